"""What forms let people choose from."""

from models.reference import rows
from tests.api.kit import answered, problem, walk
from tests.service import Service


async def test_regions_are_everybodys_and_can_be_walked_down(service: Service) -> None:
    client = service.client()
    every = await walk(client, "/regions", 40)
    assert {each["code"]: each["name"] for each in every} == {
        row["code"]: row["name"] for row in rows("regions.csv")
    }
    assert [each["code"] for each in every] == sorted(each["code"] for each in every)
    [province] = await walk(client, "/regions", 5, level="province")
    assert (province["code"], province["parent"]) == ("330000", None)
    cities = await walk(client, "/regions", 5, parent="330000")
    assert cities == await walk(client, "/regions", 100, level="city")
    below = [county for city in cities for county in await walk(client, "/regions", 100, parent=city["code"])]
    assert {each["code"] for each in (province, *cities, *below)} == {each["code"] for each in every}
    assert {each["level"] for each in below} == {"county"}
    assert await walk(client, "/regions", 5, parent="330106") == []


async def test_programmes_are_everybodys(service: Service) -> None:
    client = service.client()
    every = await walk(client, "/programmes", 4)
    assert {each["code"]: each["name"] for each in every} == {
        row["code"]: row["name"] for row in rows("programmes.csv")
    }
    health = await walk(client, "/programmes", 1, category="health")
    assert health == [each for each in every if each["category"] == "health"] != []
    assert all(each["summary"] for each in every)


async def test_both_may_be_kept_and_refuse_what_they_dont_know(service: Service) -> None:
    client = service.client()
    for path in ("/regions", "/programmes"):
        answer = await client.get(path)
        answered(answer, 200, "items", "next_cursor")
        assert answer.headers["cache-control"] == "public, max-age=3600"
        problem(await client.get(f"{path}?cursor=WzFd"), 422, "cursor_invalid")
    for query in ("regions?parent=33", "regions?level=street", "programmes?category=x"):
        problem(await client.get(f"/{query}"), 422, "validation_failed")
