"""`python -m tests.faults.long`: kills at random under full traffic until there were enough, then every invariant.

Claims and redemptions go on all the while, each asked again with its key until it is answered. What was
acknowledged is in a book; at the end the database must say the same, and nothing more than was asked for.
The figures go into bench/report.md. `--seed` repeats a run's choice of faults.
"""

import argparse
import asyncio
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from server.config import load
from tests.e2e.invariants import check, check_ledger, check_sealed
from tests.e2e.wire import Line
from tests.faults.afterwards import check_nobody_is_named
from tests.faults.conftest import Town, found_town
from tests.faults.jobs import Jobs
from tests.faults.rush import Book, Rush
from tests.faults.saboteur import KILLS, Saboteur, kinds
from tests.faults.test_stopped import background_process
from tests.faults.traffic import Traffic
from tests.seeds import environment, make_seed
from tests.service import Service

REPORT = Path(__file__).parents[2] / "bench/report.md"
BEGIN, END = "<!-- faults:begin -->", "<!-- faults:end -->"
LINES, BEHIND_PROXY, PEOPLE = 48, 6, 2
LONG_TOKENS = {"ACCESS_TOKEN_S": "3600"}
CLEAN = {201, 410, 503, "cut line", "refused connection"}
CLEAN_FOR_PEOPLE = {200, 201, 204, 503, "cut kept line", "cut fresh line", "cut answer", "refused connection"}


def main() -> int:
    """Run, check, and write the figures down; 0 when everything held."""
    options = _options()
    dice = random.Random(options.seed)
    print(f"seed {options.seed}: --seed {options.seed} chooses the same faults", flush=True)
    with tempfile.TemporaryDirectory(prefix="xy-long-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        for part in ("seed", "town"):
            (folder / part).mkdir(mode=0o755)
        town = found_town(make_seed(folder / "seed"), folder / "town")
        try:
            figures = _run(town, options, dice)
        finally:
            town.end()
    text = "\n".join(figures)
    print(text)
    if not options.no_report:
        write_section(REPORT, text)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.long", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="at least so many (default: %(default)s)")
    parser.add_argument(
        "--writes", type=int, default=200_000, help="at least so many acknowledged (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--no-report", action="store_true", help="leave bench/report.md as it is")
    return parser.parse_args()


def _run(town: Town, options: argparse.Namespace, dice: random.Random) -> Sequence[str]:
    service = town.serve(**LONG_TOKENS)
    settings = load(environment(town.postgres.url, town.valkey.url, **LONG_TOKENS))
    jobs = Jobs(settings, service)
    # Half of the writes are redemptions; a run of kills may end later than the last one needed.
    asyncio.run(jobs.prepare(town.fetch, options.writes + 100_000))
    asyncio.run(service.offer_id())
    traffic = Traffic(service)
    host, _, port = service.url.removeprefix("http://").rpartition(":")
    rush = Rush((host, int(port)), jobs.next, traffic)
    saboteur = Saboteur(town, service, rush, dice, background_process(town, service))
    begun = time.monotonic()
    rush.start(LINES, BEHIND_PROXY, PEOPLE)
    try:
        _break_things(saboteur, options)
    finally:
        rush.stop()
        saboteur.background.terminate()
        saboteur.background.wait(20)
    seconds = time.monotonic() - begun
    print("at rest; now the invariants …", flush=True)
    asyncio.run(_check(town, rush.book, traffic))
    return _figures(options, rush.book, traffic, saboteur.recovered, seconds)


def _break_things(saboteur: Saboteur, options: argparse.Namespace) -> None:
    """Faults spread evenly over the writes; then whatever writes are missing."""
    book, dice = saboteur.rush.book, saboteur.dice
    kills = 0
    # Chosen beforehand: who is hit, and when, depends on what lives at that moment.
    for kind in [*kinds(random.Random(options.seed), options.kills)]:
        target = kills * options.writes // options.kills
        while book.writes < target and not saboteur.rush.is_over:
            time.sleep(0.01)
        time.sleep(dice.uniform(0.05, 0.3))
        saboteur.strike(kind)
        kills += kind in KILLS
        if kind in KILLS and kills % max(1, options.kills // 20) == 0:
            print(f"{kills:4d} kills, {book.writes:8,d} writes, last: {kind}", flush=True)
    while book.writes < options.writes and not saboteur.rush.is_over:
        time.sleep(0.05)


async def _check(town: Town, book: Book, traffic: Traffic) -> None:
    """I1 to I6 over everything that was sent."""
    tally = traffic.tally
    assert not book.wrong and not tally.wrong, [*book.wrong[:5], *tally.wrong[:5]]
    assert set(book.statuses) <= CLEAN and set(tally.statuses) <= CLEAN_FOR_PEOPLE, (
        book.statuses,
        tally.statuses,
    )
    redeemed = {key: answer.json()["id"] for key, answer in tally.redeemed.items()}
    await check_ledger(
        town.fetch, {*book.sent["redeem"], *tally.redeems}, {**book.acknowledged["redeem"], **redeemed}
    )
    claimed = {key: answer.json()["id"] for key, answer in tally.claimed.items()} | book.acknowledged["claim"]
    rows = await town.fetch("SELECT request_key, id FROM coupons WHERE request_key NOT LIKE 'prepared-%'")
    assert {row["request_key"]: str(row["id"]) for row in rows} == claimed
    await check(town.fetch)
    await check_sealed(town.postgres.url)
    await _ask_again(traffic.service, book)
    check_nobody_is_named(town.logs(), tally.people)


async def _ask_again(service: Service, book: Book) -> None:
    """A key gets the answer that it got before."""
    line = await Line.open(service.url)
    for job, body in book.kept.values():
        again = await line.ask(job)  # type: ignore[arg-type]
        assert (again.status, again.body) == (201, body) and again.is_replayed, job.key
    line.close()


def _figures(
    options: argparse.Namespace,
    book: Book,
    traffic: Traffic,
    recovered: Mapping[str, Sequence[float]],
    seconds: float,
) -> Sequence[str]:
    """The section of the report; a run that lost something never comes here."""
    kills = sum(len(times) for kind, times in recovered.items() if kind in KILLS)
    writes = book.writes + len(traffic.tally.claimed) + len(traffic.tally.redeemed)
    lines = [
        "## 故障 / Faults under full traffic",
        "",
        f"`make faults` (`python -m tests.faults.long --kills {options.kills} --writes {options.writes}"
        f" --seed {options.seed}`), commit {_commit()}.",
        f"{LINES} connections, two web processes and the background process, PostgreSQL with fsync on, all on one machine.",
        "",
        "| | |",
        "|---|---|",
        f"| kills (kill -9) | {kills} |",
        f"| other faults | {sum(map(len, recovered.values())) - kills} |",
        f"| acknowledged writes | {writes:,} ({len(book.acknowledged['claim']):,} claims and"
        f" {len(book.acknowledged['redeem']):,} redemptions at full speed, the others by people) |",
        "| acknowledged and lost | 0 |",
        "| written and never asked for | 0 |",
        f"| keys asked again, answered otherwise | 0 of {len(book.kept):,} |",
        "| the sealed ledger verifies | yes |",
        f"| duration | {seconds:.0f} s ({writes / seconds:,.0f} acknowledged writes a second, faults included) |",
        "",
        "Seconds from the fault to the first success that was asked for after it:",
        "",
        "| fault | times | p50 | longest |",
        "|---|---|---|---|",
    ]
    for kind in sorted(recovered, key=lambda kind: (kind not in KILLS, kind)):
        times = recovered[kind]
        named = f"{kind} killed" if kind in KILLS else kind
        lines.append(f"| {named} | {len(times)} | {statistics.median(times):.2f} | {max(times):.2f} |")
    return lines


def _commit() -> str:
    return subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=REPORT.parent, capture_output=True, text=True, check=True
    ).stdout.strip()


def write_section(report: Path, text: str) -> None:
    """Put the text between the markers and leave everything else as it is."""
    before = (
        report.read_text(encoding="utf-8")
        if report.exists()
        else f"# 性能测量 / What was measured\n\n{BEGIN}\n{END}\n"
    )
    if BEGIN not in before:
        before = f"{before.rstrip()}\n\n{BEGIN}\n{END}\n"
    head, _, rest = before.partition(BEGIN)
    report.write_text(f"{head}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
