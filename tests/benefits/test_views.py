"""Views of an offer: people's only, bounded in memory, and kept when they can't be written."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from benefits import views
from common.database import fetch_all
from tests.factories.members import Shop
from tests.factories.moments import NOON, shanghai
from tests.factories.offers import an_offer

PHONE = "Mozilla/5.0 (iPhone) MicroMessenger/8.0.44"


@pytest.fixture(autouse=True)
def _nothing_counted() -> Iterator[None]:
    views._counted.clear()
    yield
    views._counted.clear()


async def test_views_are_added_to_the_day_they_were_seen_on(shop: Shop) -> None:
    offer_id = await an_offer(shop)
    for at in (NOON, NOON, shanghai("2026-03-04 23:59"), shanghai("2026-03-05 00:00")):
        views.count(offer_id, PHONE, at)
    await views.flush()
    views.count(offer_id, PHONE, NOON)
    await views.flush()
    await views.flush()
    rows = await fetch_all("SELECT day::text, views FROM flow_days ORDER BY day")
    assert [tuple(row) for row in rows] == [("2026-03-04", 4), ("2026-03-05", 1)]


@pytest.mark.parametrize(
    "agent", ["Googlebot/2.1", "Baiduspider", "curl/8.5", "python-httpx/0.27", "Go-http-client HttpClient"]
)
def test_programs_are_no_viewers(agent: str) -> None:
    views.count(uuid4(), agent, NOON)
    assert not views._counted


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "MOST_COUNTED", 3)
    known = uuid4()
    for offer_id in (known, *(uuid4() for _ in range(9)), known):
        views.count(offer_id, PHONE, NOON)
    assert len(views._counted) == 3 and views._counted.total() == 4


async def test_what_could_not_be_written_is_written_later(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer_id = await an_offer(shop)
    views.count(offer_id, PHONE, NOON)
    with monkeypatch.context() as broken:
        broken.setattr(views, "ADD", "SELECT 1/0, $1::date[], $2::uuid[], $3::bigint[]")
        with pytest.raises(Exception, match="division by zero"):
            await views.flush()
    views.count(offer_id, PHONE, NOON)
    await views.flush()
    (row,) = await fetch_all("SELECT views FROM flow_days")
    assert row["views"] == 2
