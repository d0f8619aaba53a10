"""Credit sources by configuration: all of one's variables or none, and nothing unencrypted about people."""

import base64
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from citizens.credit_sources.batch import BatchSource
from citizens.credit_sources.gateway import GatewaySource
from citizens.credit_sources.none import NoSource
from citizens.credit_sources.sandbox import SandboxSource
from merchants.organisation_sources.batch import BatchOrganisationSource
from merchants.organisation_sources.gateway import GatewayOrganisationSource
from merchants.organisation_sources.none import NoOrganisationSource
from models.office_enums import BatchKind
from server import app, jobs
from server.__main__ import main
from server.config import ConfigError, load, shown
from tests.factories.batches import DAY, SOURCE_KEY, batch, tier_rows
from tests.factories.settings import production, sandbox
from tests.factories.sources import demo_scheme

KEY = base64.b64encode(b"k" * 32).decode()
GATEWAY = {
    "CREDIT_PERSON_URL": "https://gateway.example/restapi/prod/persons",
    "CREDIT_ACCESS_KEY": "ak",
    "CREDIT_ACCESS_SECRET": "a secret of the gateway",
    "CREDIT_ANSWER_KEY": KEY,
}
BATCH = {
    "CREDIT_BATCH_SOURCE": "test",
    "CREDIT_BATCH_PUBLIC_KEY": base64.b64encode(SOURCE_KEY.public_key).decode(),
    "CREDIT_BATCH_DIR": "/srv/batches",
}
ORGANISATIONS = {"CREDIT_ORGANISATION_URL": "https://gateway.example/restapi/prod/organisations"}


def refused(environ: dict[str, str]) -> set[str]:
    """The variables that something is wrong with."""
    with pytest.raises(ConfigError) as error:
        load(environ)
    return {line.partition(":")[0] for line in str(error.value).splitlines()}


@pytest.mark.parametrize(
    ("environ", "citizens", "organisations"),
    [
        (production(), NoSource, NoOrganisationSource),
        (production(CREDIT_SOURCE="gateway", **GATEWAY), GatewaySource, NoOrganisationSource),
        (production(CREDIT_SOURCE="gateway", **GATEWAY, **BATCH), GatewaySource, BatchOrganisationSource),
        (production(CREDIT_SOURCE="batch", **BATCH), BatchSource, BatchOrganisationSource),
        (production(**GATEWAY, **ORGANISATIONS), NoSource, GatewayOrganisationSource),
        (sandbox(CREDIT_SOURCE="batch", **BATCH), BatchSource, BatchOrganisationSource),
    ],
)
def test_the_sources_are_those_that_are_configured(
    environ: dict[str, str], citizens: type, organisations: type
) -> None:
    settings = load(environ)
    assert type(app._source(settings)) is citizens
    assert type(jobs.desk_of(settings).organisations) is organisations


def test_a_sandbox_has_its_own_by_default() -> None:
    assert type(app._source(load(sandbox()))) is SandboxSource


@pytest.mark.parametrize("missing", [*GATEWAY, *BATCH])
def test_half_of_a_source_is_none(missing: str) -> None:
    both = {**GATEWAY, **BATCH}
    del both[missing]
    assert refused(production(**both)) == {missing}
    assert refused(production(CREDIT_SOURCE="gateway")) == set(GATEWAY)
    assert refused(production(CREDIT_SOURCE="batch")) == set(BATCH)
    assert refused(production(**ORGANISATIONS)) == set(GATEWAY)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CREDIT_SOURCE", "sandbox"),
        *(
            ("CREDIT_PERSON_URL", url)
            for url in (
                *(
                    "http://gateway.example/x",
                    "http://127.0.0.1/x",
                    "https://u:p@gateway.example/x",
                    "https://g/x?y=1",
                ),
                *("https://gateway.example", "gateway", "https://[/x"),
            )
        ),
        ("CREDIT_ACCESS_SECRET", "short"),
        ("CREDIT_ANSWER_KEY", base64.b64encode(b"short").decode()),
        ("CREDIT_ANSWER_KEY", "?"),
        ("CREDIT_BATCH_PUBLIC_KEY", base64.b64encode(b"k" * 33).decode()),
        ("CREDIT_BATCH_SOURCE", "../x"),
        ("CREDIT_BATCH_HOUR", "24"),
    ],
)
def test_a_bad_value_is_told_by_its_variable(name: str, value: str) -> None:
    assert refused(production(**{**GATEWAY, **BATCH, name: value})) == {name}


def test_a_stand_in_on_this_machine_is_a_sandboxs_only() -> None:
    url = {"CREDIT_PERSON_URL": "http://127.0.0.1:8091/persons"}
    assert load(sandbox(**{**GATEWAY, **url})).credit.person_url == url["CREDIT_PERSON_URL"]


def test_no_secret_is_shown() -> None:
    settings = load(production(CREDIT_SOURCE="gateway", **GATEWAY, **BATCH))
    text = "\n".join(f"{name}={value}" for name, value in shown(settings).items())
    assert GATEWAY["CREDIT_ACCESS_SECRET"] not in text + repr(settings) and KEY not in text + repr(settings)
    assert "CREDIT_BATCH_DIR=/srv/batches" in text and "CREDIT_ACCESS_SECRET=***" in text


async def test_a_folder_is_taken_in_by_a_command(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await demo_scheme()
    environ = sandbox(**BATCH, DATABASE_URL=database, FILES_DIR=str(tmp_path / "files"))
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    folder = batch(tmp_path / "batch", {BatchKind.TIERS: tier_rows(3)}, day=DAY)

    def run(*options: str) -> int:
        with ThreadPoolExecutor(1) as apart:  # it has a loop of its own
            return apart.submit(main, ["import-credit", str(folder), *options]).result()

    assert run("--dry-run") == 0 and "can be taken in" in capsys.readouterr().out
    assert run() == 0 and "in force" in capsys.readouterr().out
    assert run() == 0 and "before" in capsys.readouterr().out
    (folder / "manifest.sig").write_text("AAAA")
    assert run() == 1 and capsys.readouterr().err.startswith("signature (manifest.sig): ")
    monkeypatch.delenv("CREDIT_BATCH_SOURCE")
    assert run() == os.EX_CONFIG
