"""A credit source behind the gateway, over a real socket: whatever it does wrong, no tier is made of it."""

import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from citizens.credit import CreditDesk
from citizens.credit_sources import CreditSourceUnavailable, NoRecord, Rating, Subject
from citizens.credit_sources.gateway import GatewaySource
from citizens.credit_sources.guarded import GuardedSource
from common import signed_gateway
from common.clock import local_day, now
from common.database import fetch_all
from common.ids import new_id
from common.signed_gateway import GatewayFailed, SignedGateway
from merchants.organisation_sources import OrganisationSourceUnavailable
from merchants.organisation_sources.gateway import GatewayOrganisationSource
from sandbox.standins.credit import ACCESS_KEY, ANSWER_KEY, FAULTS, LIES, SECRET, create_app
from tests.factories.citizens import KEYS, PURPOSE, a_person, consent
from tests.factories.sources import demo_scheme

WANG = Subject("330106198003120015")
YESTERDAY = timedelta(days=1)


@dataclass(frozen=True)
class Standin:
    """A running stand-in."""

    url: str

    def gateway(self, path: str = "/persons", **more: Any) -> SignedGateway:
        """Keys that are good, unless said otherwise."""
        keys = {"access_key": ACCESS_KEY, "secret": SECRET, "answer_key": ANSWER_KEY, **more}
        return SignedGateway(self.url + path, **keys)

    async def told(self, behaviour: str, first: int | None = None) -> None:
        """Make it behave so."""
        async with httpx.AsyncClient() as client:
            told = {"behaviour": behaviour, "first": first}
            assert (await client.post(self.url + "/control", json=told)).status_code == 200


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[Standin]:
    app = create_app(name=f"standin_{new_id().hex}")
    sock = socket.create_server(("127.0.0.1", 0))
    server = await app.create_server(sock=sock, return_asyncio_server=True, access_log=False)
    assert server is not None
    await server.startup()
    yield Standin(f"http://127.0.0.1:{sock.getsockname()[1]}")
    server.close()
    await server.wait_closed()


@pytest.fixture
async def standin(server: Standin) -> AsyncIterator[Standin]:
    yield server
    await server.told("honest")


@pytest.fixture
async def wang(database: str) -> UUID:
    """A person who has agreed to the credit check."""
    await demo_scheme()
    citizen_id = await a_person("demo-excellent")
    await consent(citizen_id, now() - YESTERDAY)
    return citizen_id


async def ask(gateway: SignedGateway) -> Rating | NoRecord:
    return await GatewaySource(gateway).look_up(WANG, PURPOSE, new_id())


async def test_an_honest_answer_is_a_tier(standin: Standin, wang: UUID) -> None:
    seen = await CreditDesk(GuardedSource(GatewaySource(standin.gateway())), KEYS).tier(
        wang, "my_credit", now()
    )
    assert (seen.level, seen.data_date) == (5, local_day(now()) - YESTERDAY)
    (line,) = await fetch_all("SELECT source, outcome FROM credit_lookups")
    assert tuple(line) == ("gateway", "rated")


async def test_who_has_no_record_is_told_so(standin: Standin) -> None:
    found = await GatewaySource(standin.gateway()).look_up(Subject("330106200509010058"), PURPOSE, new_id())
    assert isinstance(found, NoRecord) and found.scheme_code == "zj-demo"


@pytest.mark.parametrize("behaviour", [*FAULTS, *LIES])
async def test_whatever_the_source_does_wrong_no_tier_is_made_of_it(
    standin: Standin,
    wang: UUID,
    behaviour: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(signed_gateway, "TIMEOUT", httpx.Timeout(0.3))
    if behaviour == "kept_answer":
        await ask(standin.gateway())
    await standin.told(behaviour)
    desk = CreditDesk(GuardedSource(GatewaySource(standin.gateway())), KEYS)
    with pytest.raises(CreditSourceUnavailable):
        await desk.tier(wang, "my_credit", now())
    assert await fetch_all("SELECT 1 FROM tier_snapshots") == []
    assert [row["outcome"] for row in await fetch_all("SELECT outcome FROM credit_lookups")] == [
        "unavailable"
    ]
    assert WANG.id_number not in caplog.text


async def test_one_that_fails_once_is_asked_once_more(standin: Standin) -> None:
    for behaviour in ("error", "cut"):
        await standin.told(behaviour, first=1)
        assert isinstance(await ask(standin.gateway()), Rating)
        await standin.told(behaviour, first=2)
        with pytest.raises(CreditSourceUnavailable):
            await ask(standin.gateway())


async def test_one_that_throttles_is_left_alone_for_longer(standin: Standin) -> None:
    await standin.told("throttle", first=1)
    with pytest.raises(CreditSourceUnavailable) as refused:
        await ask(standin.gateway())
    assert refused.value.retry_after_s == 30


@pytest.mark.parametrize("wrong", [{"access_key": "x"}, {"secret": "x"}, {"answer_key": b"x"}])
async def test_with_a_wrong_key_nothing_is_believed(standin: Standin, wrong: dict[str, Any]) -> None:
    with pytest.raises(GatewayFailed):
        await standin.gateway(**wrong).ask({"idNumber": WANG.id_number})


@pytest.mark.parametrize("seconds", [-95, 95])
async def test_a_clock_that_is_off_is_refused_by_the_gateway(
    standin: Standin, seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signed_gateway, "now", lambda: now() + timedelta(seconds=seconds))
    with pytest.raises(GatewayFailed) as failed:
        await standin.gateway().ask({"idNumber": WANG.id_number})
    assert failed.value.result == "401"


async def test_a_question_is_good_once(standin: Standin, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two questions of one second differ; one that is put again is refused."""
    gateway, request_id = standin.gateway(), new_id()
    assert isinstance(await ask(gateway), Rating) and isinstance(await ask(gateway), Rating)
    monkeypatch.setattr(signed_gateway, "new_id", lambda: request_id)
    moment = now()
    monkeypatch.setattr(signed_gateway, "now", lambda: moment)
    await gateway.ask({"idNumber": WANG.id_number})
    with pytest.raises(GatewayFailed) as failed:
        await gateway.ask({"idNumber": WANG.id_number})
    assert failed.value.result == "401"


async def test_nobody_listens(standin: Standin) -> None:
    with pytest.raises(CreditSourceUnavailable):
        await ask(SignedGateway("http://127.0.0.1:1/persons", ACCESS_KEY, SECRET, ANSWER_KEY))


async def test_an_organisation_is_found_with_its_grade(standin: Standin) -> None:
    source = GatewayOrganisationSource(standin.gateway("/organisations"))
    good, bad = await source.look_up("91330100MA2XY0001Y"), await source.look_up("91330100BADXY0001Y")
    assert (good.grade, good.is_dishonest, bad.is_dishonest) == (4, False, True)


@pytest.mark.parametrize(
    "behaviour",
    [
        "unsigned",
        "other_request",
        "future_date",
        "old_date",
        "with_income",
        "record_id_with_markup",
        "not_json",
    ],
)
async def test_no_organisation_is_cleared_by_a_wrong_answer(standin: Standin, behaviour: str) -> None:
    await standin.told(behaviour)
    with pytest.raises(OrganisationSourceUnavailable):
        await GatewayOrganisationSource(standin.gateway("/organisations")).look_up("91330100MA2XY0001Y")
