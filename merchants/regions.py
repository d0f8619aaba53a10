"""行政区划: the regions that the alliance serves, as everybody chooses from them."""

from common.errors import Invalid


class RegionUnknown(Invalid):
    """No such region, or not of a level that can be chosen there."""

    code = "region_unknown"
    pointer = "/region"
    zh = "没有这个地区，或者这里不能选这一级。请选择所在的县（市、区）；入盟申请也可以选设区市。"
    en = "There is no such region, or not of this level. Choose the county; an application may name a city too."
