"""行政区划 by GB/T 2260: province > city > county."""

from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint
from tortoise.models import Model

from models.enums import RegionLevel


class Region(Model):
    """A region. Its six digits hold its place: two for the province, two for the city, two for the county."""

    code = fields.CharField(max_length=6, primary_key=True)
    name = fields.CharField(max_length=64)
    level = fields.CharEnumField(RegionLevel, max_length=16)
    parent: fields.ForeignKeyNullableRelation["Region"] = fields.ForeignKeyField(
        "models.Region", related_name="children", null=True, on_delete=fields.RESTRICT
    )

    class Meta:
        table = "regions"
        constraints = (
            CheckConstraint(check="code ~ '^[1-9][0-9]{5}$'", name="regions_code_is_gbt2260"),
            CheckConstraint(
                check="level = CASE WHEN code LIKE '%0000' THEN 'province' WHEN code LIKE '%00' THEN 'city'"
                " ELSE 'county' END",
                name="regions_level_follows_code",
            ),
            CheckConstraint(
                check="(parent_id IS NULL) = (level = 'province')", name="regions_only_province_is_root"
            ),
        )


def subtree_prefix(code: str) -> str:
    """The digits that every region below `code` begins with: 330000 → 33, 330100 → 3301, 330106 → 330106."""
    return code[:2] if code.endswith("0000") else code[:4] if code.endswith("00") else code


def shared_prefix(code: str, other: str) -> str | None:
    """The digits that every region below both begins with; nothing if none is."""
    longer, shorter = sorted((subtree_prefix(code), subtree_prefix(other)), key=len, reverse=True)
    return longer if longer.startswith(shorter) else None


def lineage(code: str) -> tuple[str, ...]:
    """A region and those it lies in, the nearest first: 330106 → 330106, 330100, 330000."""
    return tuple(dict.fromkeys((code, code[:4] + "00", code[:2] + "0000")))
