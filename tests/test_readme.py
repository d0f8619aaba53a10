"""The READMEs tell the truth: their walk runs as it stands, and tables and links agree with the code.

`python tests/test_readme.py URL` walks through both against a running sandbox, without pytest.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
READMES = ("README.md", "README.zh-CN.md")
FIRST_COMMAND = "XINYI=${XINYI:-http://127.0.0.1:8000}"
WALK_WITHIN_S = 120
MARK = "=== step {} ends ==="

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_WALK = re.compile(r"^<!-- walk -->\n```(?:bash|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_REQUIRED = ("required", "必填")
_NOT_SET = ("not set", "不设")


# The walk -----------------------------------------------------------------------------------------


def steps_of(readme: str) -> list[tuple[str, str]]:
    """The walk's commands, each with what the lines after `#=>` promise."""
    steps: list[tuple[str, str]] = []
    commands: list[str] = []
    expected: list[str] = []
    for line in "".join(_WALK.findall(_text(readme))).splitlines():
        if line.startswith("#=>"):
            expected.append(line.removeprefix("#=>").strip())
            continue
        if expected:
            steps.append(("\n".join(commands), "\n".join(expected)))
            commands, expected = [], []
        commands.append(line)
    assert expected, f"{readme}: the walk ends with commands that promise nothing"
    return [*steps, ("\n".join(commands), "\n".join(expected))]


def walk(readme: str, url: str, folder: Path) -> list[str]:
    """Run the walk as one bash script against the service at `url`; what was not as shown."""
    steps = steps_of(readme)
    script = "set -euo pipefail\n" + "\n".join(
        f"{command}\nprintf '%s\\n' '{MARK.format(number)}'" for number, (command, _) in enumerate(steps)
    )
    done = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", "XINYI": url},
        timeout=WALK_WITHIN_S,
        check=False,
    )
    wrong: list[str] = []
    rest = done.stdout
    for number, (command, expected) in enumerate(steps):
        said, mark, rest = rest.partition(MARK.format(number) + "\n")
        if not mark:
            return [*wrong, f"{command}\n  stopped with {done.returncode}: {said}{done.stderr}"]
        if not re.fullmatch(_pattern(expected), said.strip(), re.DOTALL):
            wrong.append(f"{command}\n  shown: {expected}\n  was:   {said.strip()}")
    return wrong


def _pattern(expected: str) -> str:
    """`…` is anything that is there."""
    return ".+".join(re.escape(part) for part in expected.split("…"))


@pytest.fixture(scope="module")
def sandbox_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A service with its background process, as `make run` starts them."""
    service = request.getfixturevalue("make_service")()
    with service.log.open("ab") as log:
        command = [sys.executable, "-m", "server", "worker"]
        worker = subprocess.Popen(command, env=service.environment, stdout=log, stderr=log)
    yield service.url
    worker.terminate()
    worker.wait(30)


def test_walk_runs_as_it_is_shown(sandbox_url: str, tmp_path: Path) -> None:
    """The other README has the same blocks (below); `.ci/run` walks both, one after the other, in one sandbox."""
    wrong = walk(READMES[0], sandbox_url, tmp_path)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("readme", READMES)
def test_walk_begins_with_the_address_and_covers_the_main_way(readme: str) -> None:
    steps = steps_of(readme)
    commands = "\n".join(command for command, _ in steps)
    assert commands.splitlines()[0] == FIRST_COMMAND
    for path in ("/auth/citizen", "/me/consents/", "/me/credit", "/coupons", "/code", "/auth/staff",
                 "/redemptions/preview", "/reversals", "/member-applications", "/approval", "/publication",
                 "/suspension", "/admin/imports", "/admin/statements", "/admin/audit"):  # fmt: skip
        assert path in commands, path
    assert "already_redeemed" in {expected for _, expected in steps}


def test_wrong_promise_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    block = "<!-- walk -->\n```bash\necho one two\n#=> one …\necho three\n#=> four\n```\n"
    monkeypatch.setattr(sys.modules[__name__], "_text", lambda _: block)
    assert walk("README.md", "http://nowhere", tmp_path) == ["echo three\n  shown: four\n  was:   three"]


# Both languages -----------------------------------------------------------------------------------


def test_both_readmes_have_the_same_commands() -> None:
    english, chinese = (_BLOCK.findall(_text(readme)) for readme in READMES)
    assert english == chinese


def test_both_readmes_have_the_same_parts() -> None:
    english, chinese = (
        re.findall(r"^(#+) ", _without_blocks(_text(readme)), re.MULTILINE) for readme in READMES
    )
    assert english == chinese


def test_both_readmes_name_the_same_settings_and_places() -> None:
    english, chinese = (_table(readme, "settings") for readme in READMES)
    assert [(row[0], _plain(row[1]) in _REQUIRED) for row in english] == [
        (row[0], _plain(row[1]) in _REQUIRED) for row in chinese
    ]
    english, chinese = (_table(readme, "tree") for readme in READMES)
    assert [row[0] for row in english] == [row[0].replace(".zh-CN.md", ".md") for row in chinese]


# The table of settings ----------------------------------------------------------------------------


class _Asked(Mapping[str, str]):
    """An environment that remembers which variables were asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.names: set[str] = set()
        self._values = values

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def _production() -> dict[str, str]:
    from server.config import new_secrets

    # The proxy's secret and the worker's key are made with the others, and may be left out.
    optional = {"FORWARDED_SECRET", "LEDGER_SIGNING_KEY"}
    needed = {name: value for name, value in new_secrets().items() if name not in optional}
    return {**needed, "DATABASE_URL": "postgres://u:p@h/d", "REDIS_URL": "redis://h"}


@pytest.mark.parametrize("readme", READMES)
def test_table_has_every_variable_that_the_service_reads(readme: str) -> None:
    from server.config import load

    asked = _Asked(_production())
    load(asked)
    assert [row[0] for row in _table(readme, "settings")] == [f"`{name}`" for name in _names(readme)]
    assert set(_names(readme)) == asked.names
    assert len(set(_names(readme))) == len(_names(readme))


@pytest.mark.parametrize("readme", READMES)
def test_table_has_the_defaults_that_hold(readme: str) -> None:
    from server.config import ConfigError, load

    base = _production()
    plain = load(base)
    for name, default, _, _ in _table(readme, "settings"):
        variable = name.strip("`")
        if default in _REQUIRED:
            with pytest.raises(ConfigError, match=variable):
                load({key: value for key, value in base.items() if key != variable})
        elif default in _NOT_SET:
            assert load({**base, variable: ""}) == plain, variable
        else:
            assert load({**base, variable: default.strip("`")}) == plain, variable


@pytest.mark.parametrize("readme", READMES)
def test_table_has_the_values_that_are_taken(readme: str) -> None:
    from server.config import ConfigError, load

    base = _production()
    for name, _, values, _ in _table(readme, "settings"):
        variable = name.strip("`")
        span = re.fullmatch(r"(\d+)–(\d+)", values)
        shortest = re.search(r"\b16\b", values)
        if span:
            low, high = map(int, span.groups())
            good, bad = (str(low), str(high)), (str(low - 1), str(high + 1))
        elif shortest:
            good, bad = ("s" * 16,), ("s" * 15,)
        else:
            continue
        for value in good:
            load({**base, variable: value})
        for value in bad:
            with pytest.raises(ConfigError, match=variable):
                load({**base, variable: value})


def test_sandbox_limits_are_as_told() -> None:
    from server.config import load

    sandbox = load({"SANDBOX": "1", "DATABASE_URL": "postgres://u:p@h/d", "REDIS_URL": "redis://h"})
    limits = {getattr(sandbox, item.name) for item in fields(sandbox) if item.name.endswith("_limit")}
    assert limits == {10_000_000}
    assert all("10,000,000" in _text(readme) for readme in READMES)


@pytest.mark.parametrize("readme", READMES)
def test_what_make_run_reads_is_told(readme: str) -> None:
    from sandbox.options import Options

    asked = _Asked({})
    Options.from_environment(asked)
    first_table = _text(readme).partition("<!-- walk -->")[0]
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", first_table, re.MULTILINE)) == asked.names


# Places and links ---------------------------------------------------------------------------------


@pytest.mark.parametrize("readme", READMES)
def test_every_named_place_exists(readme: str) -> None:
    places = [row[0].strip("`") for row in _table(readme, "tree")]
    assert [place for place in places if not (ROOT / place).exists()] == []
    assert [place for place in places if (ROOT / place).is_dir() and not place.endswith("/")] == []


@pytest.mark.parametrize("readme", READMES)
def test_every_package_has_its_line(readme: str) -> None:
    packages = {path.parent.name + "/" for path in ROOT.glob("*/__init__.py")}
    places = {row[0].strip("`") for row in _table(readme, "tree")}
    assert packages - places == set()


@pytest.mark.parametrize("readme", READMES)
def test_files_named_in_the_text_exist(readme: str) -> None:
    prose = _without_blocks(_text(readme))
    named = re.findall(r"`((?:[\w.-]+/)+[\w.-]*|\w+\.(?:py|md|json))`", prose)
    # .data is made by the first start.
    relative = {".data/files", "contract.py", "guarded.py", "enums.py", "office_enums.py",
                "citizen/", "staff/", "member/", "admin/"}  # fmt: skip
    assert [name for name in named if name not in relative and not (ROOT / name).exists()] == []


def test_relative_links_resolve() -> None:
    pages = [ROOT / name for name in (*READMES, "CHANGELOG.md")] + sorted((ROOT / "docs").rglob("*.md"))
    broken = []
    for page in pages:
        for target in _LINK.findall(_without_blocks(page.read_text(encoding="utf-8"))):
            path = target.partition("#")[0]
            if "://" not in target and path and not (page.parent / path).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert broken == []


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs" / "decisions"
    written = {path.name for path in folder.glob("[0-9]*.md")}
    linked = set(re.findall(r"\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8")))
    assert written == linked
    for path in folder.glob("[0-9]*.md"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 40, path.name


# Reading ------------------------------------------------------------------------------------------


def _text(readme: str) -> str:
    return (ROOT / readme).read_text(encoding="utf-8")


def _without_blocks(text: str) -> str:
    return _BLOCK.sub("", text)


def _table(readme: str, mark: str) -> list[list[str]]:
    """The rows below the comment `mark`, without the head; cells are stripped."""
    below = _text(readme).partition(f"<!-- {mark} -->\n")[2]
    lines = below.split("\n\n")[0].splitlines()
    assert len(lines) > 2, f"{readme}: no table below {mark}"
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def _names(readme: str) -> list[str]:
    return [row[0].strip("`") for row in _table(readme, "settings")]


def _plain(cell: str) -> str:
    return cell.strip("`")


def _main(url: str) -> int:
    import tempfile

    wrong: list[str] = []
    for readme in READMES:
        with tempfile.TemporaryDirectory(prefix="xy-walk-") as folder:
            found = walk(readme, url, Path(folder))
        print(f"{readme}: {len(steps_of(readme))} steps, {'all as shown' if not found else 'NOT as shown'}")
        wrong += found
    print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1]))
