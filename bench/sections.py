"""What the report says of each measurement: its aims, its tables and its plots, from the figures that it kept."""

from collections.abc import Callable, Sequence

from bench.plots import bars, lines, shown
from bench.tables import SIDE, Aim, Found, Section, side_cells, table, what_limits


def redeem(found: Found) -> Section:
    """Closed loop, then at a given rate; two workers against one."""
    cores = int(found["machine"]["cores"].split()[0])
    full, air, aims = [], [], []
    least = {16: 0.5, 64: 0.7}
    for row in found["rows"]:
        connections, workers = row["connections"], row["workers"]
        name = f"{connections} connections, {workers} worker(s)"
        limits = what_limits(row["service"], workers, cores)
        if workers > 1:
            limits += "; the workers' shares " + " : ".join(f"{share:.0%}" for share in row["worker_shares"])
        full.append([f"{name}: service", f"**{row['ratio']:.2f}**", *side_cells(row["service"]), limits])
        full.append([f"{connections} connections: pgbench", "1", *side_cells(row["pgbench"]), ""])
        air.append([f"{name}: service", f"**{row['p99_ratio']:.1f}×**", *side_cells(row["service_at"])])
        air.append([f"{shown(row['rate'])} a second: pgbench", "1", *side_cells(row["pgbench_at"])])
        if connections in least:
            aims.append(
                Aim(
                    f"redeem, {name}, against pgbench",
                    f"≥ {least[connections]}",
                    f"{row['ratio']:.2f}",
                    row["ratio"] >= least[connections],
                )
            )
            aims.append(
                Aim(
                    f"redeem p99 at 70 %, {name}, against pgbench at that rate",
                    "≤ 4×",
                    f"{row['p99_ratio']:.1f}×",
                    row["p99_ratio"] <= 4,
                )
            )
    aims += _workers(found["rows"], cores)
    text = (
        "As many as can be (closed loop; both sides in turn, twice):\n\n"
        + table(("", "ratio", *SIDE, "what limits"), full)
        + "\n\nAt 70 % of the rate that the service just made with the same connections and workers; both sides get"
        " their requests at random moments (Poisson), and a latency counts from when its request was due:\n\n"
        + table(("", "p99 ratio", *SIDE), air)
    )
    return Section(text, aims, _redeem_plots(found["rows"]))


def _workers(rows: Sequence[Found], cores: int) -> list[Aim]:
    by_shape = {(row["connections"], row["workers"]): row["service"] for row in rows}
    aims = []
    for (connections, workers), side in by_shape.items():
        if workers > 1 and (connections, 1) in by_shape:
            ratio = side["per_second"] / by_shape[connections, 1]["per_second"]
            found = f"{ratio:.2f}; {what_limits(side, workers, cores)}"
            what = f"redeem, {connections} connections: {workers} workers against one"
            aims.append(Aim(what, "say what limits", found, None))
    return aims


def _redeem_plots(rows: Sequence[Found]) -> dict[str, str]:
    groups = sorted({row["connections"] for row in rows})
    numbers = sorted({row["workers"] for row in rows})
    by_shape = {(row["connections"], row["workers"]): row for row in rows}
    series = {"pgbench": [by_shape[group, numbers[0]]["pgbench"]["per_second"] for group in groups]} | {
        f"{number} worker(s)": [by_shape[group, number]["service"]["per_second"] for group in groups]
        for number in numbers
    }
    most = by_shape[groups[-1], numbers[0]]
    quantiles = list(most["service_at"]["ms"])
    return {
        "redeem.svg": bars(
            "Redemptions, everything on", "a second", [f"{group} connections" for group in groups], series
        ),
        "redeem-latency.svg": bars(
            f"Latency at {shown(most['rate'])} a second, {groups[-1]} connections",
            "ms",
            [f"p{float(share) * 100:g}" for share in quantiles],
            {
                name: [most[key]["ms"][share] for share in quantiles]
                for name, key in (("pgbench", "pgbench_at"), ("service", "service_at"))
            },
        ),
    }


def claim(found: Found) -> Section:
    """One offer against a thousand."""
    rows, aims = [], []
    for row in found["rows"]:
        name = f"{row['connections']} connections, {row['workers']} worker(s)"
        rows.append([f"{name}: one offer", f"**{row['ratio']:.2f}**", *side_cells(row["one"])])
        rows.append([f"{name}: {found['offers']:,} offers", "1", *side_cells(row["spread"])])
        rows.append(["pgbench, one offer, single-row statement", "", *side_cells(row["pgbench"])])
        aims.append(
            Aim(
                f"claim from one offer, {name}, against a thousand",
                "≥ 0.8",
                f"{row['ratio']:.2f}",
                row["ratio"] >= 0.8,
            )
        )
    stock = found["stock"]
    exact = all(entry["issued"] == entry["coupons"] for entry in stock.values())
    aims.append(
        Aim(
            "stock after the claims",
            "exact",
            f"{stock['one']['issued']:,} of {stock['one']['coupons']:,}",
            exact,
        )
    )
    text = (
        table(("", "ratio", *SIDE), rows)
        + f"\n\nThe one offer has {found['pieces']:,} pieces. Counted afterwards: "
        f"{stock['one']['issued']:,} pieces given and {stock['one']['coupons']:,} coupons there; over the thousand"
        f" {stock['spread']['issued']:,} and {stock['spread']['coupons']:,}."
    )
    groups = [f"{row['connections']} conn., {row['workers']} w." for row in found["rows"]]
    series = {
        name: [row[key]["per_second"] for row in found["rows"]]
        for name, key in (("one offer", "one"), ("a thousand offers", "spread"))
    }
    return Section(text, aims, {"claim.svg": bars("Claims", "a second", groups, series)})


def flash(found: Found) -> Section:
    """Sold-out answers, and redemptions beside them."""
    rows, beside, aims = [], [], []
    for row in found["rows"]:
        name, apart = f"{row['workers']} worker(s)", row["apart"]
        own = f"{name}, a group of their own"
        rows.append([f"{name}: sold out", f"**{row['ratio']:.2f}**", *side_cells(row["service"])])
        rows.append([f"{name}: bare Sanic, {row['bytes']:,} bytes", "1", *side_cells(row["bare"])])
        beside += _alone_and_beside(name, row)
        beside.append([f"{name}: the sale meanwhile", "", *side_cells(row["sale_beside"])])
        beside += _alone_and_beside(own, apart)
        aims += [
            Aim(
                f"sold-out answers, {name}, against bare Sanic",
                "≥ 0.5",
                f"{row['ratio']:.2f}",
                row["ratio"] >= 0.5,
            ),
            _not_disturbed(f"redeem p99 beside the sale, {name}, against alone", row),
            _not_disturbed(f"the same, {name}, clerks at a group of servers of their own", apart),
        ]
    text = (
        f"{found['stock']['issued']:,} of {found['pieces']:,} pieces were given, everybody else was told 409:\n\n"
        + table(("", "ratio", *SIDE), rows)
        + f"\n\nRedemptions at {found['beside']:.0%} of the most that the service redeems, at random moments; the sale"
        f" beside them is a closed loop of {found['rows'][0]['connections']} connections that never rest (its CPU and"
        " that of the redemptions can't be told apart in the service and in PostgreSQL):\n\n"
        + table(("", "p99 ratio", *SIDE), beside)
    )
    return Section(text, aims, {"flash.svg": _against_bare("Sold-out answers", found["rows"])})


def _alone_and_beside(name: str, found: Found) -> list[list[str]]:
    return [
        [f"{name}: redemptions alone", "1", *side_cells(found["alone"])],
        [
            f"{name}: redemptions beside",
            f"**{found['p99_ratio']:.1f}×**",
            *side_cells(found["redeem_beside"]),
        ],
    ]


def _not_disturbed(what: str, found: Found) -> Aim:
    return Aim(what, "≤ 2×", f"{found['p99_ratio']:.1f}×", found["p99_ratio"] <= 2)


def offers(found: Found) -> Section:
    """The list against bare Sanic."""
    rows, aims = [], []
    for row in found["rows"]:
        name = f"{row['connections']} connections, {row['workers']} worker(s)"
        rows.append([f"{name}: list", f"**{row['ratio']:.2f}**", *side_cells(row["service"])])
        rows.append([f"{name}: bare Sanic, {row['bytes']:,} bytes", "1", *side_cells(row["bare"])])
        aims.append(
            Aim(
                f"offer list, {name}, against bare Sanic", "≥ 0.5", f"{row['ratio']:.2f}", row["ratio"] >= 0.5
            )
        )
    text = f"`GET {found['path']}` by signed-in citizens:\n\n" + table(("", "ratio", *SIDE), rows)
    return Section(text, aims, {"offers.svg": _against_bare("Offer list", found["rows"])})


def _against_bare(title: str, rows: Sequence[Found]) -> str:
    groups = [f"{row['connections']} conn., {row['workers']} w." for row in rows]
    series = {
        name: [row[key]["per_second"] for row in rows]
        for name, key in (("service", "service"), ("bare Sanic, same body", "bare"))
    }
    return bars(title, "a second", groups, series)


def storage(found: Found) -> Section:
    """Ten million against ten thousand."""
    stored = found["stored"]
    rows = [
        [f"{stored['few']:,} stored", "1", *side_cells(found["few"])],
        [f"{stored['many']:,} stored", f"**{found['ratio']:.2f}**", *side_cells(found["many"])],
    ]
    gigabytes = {name: size / 2**30 for name, size in found["bytes"].items()}
    text = (
        table(("", "ratio", *SIDE), rows)
        + f"\n\nThe databases measure {gigabytes['few']:.1f} and {gigabytes['many']:.1f} GB; PostgreSQL's own cache is"
        f" 128 MB in both, the machine has {found['machine']['memory']}: pages come from the system's cache, and from the"
        f" disk only where that is too small. Beside what is stored each has {stored['fresh']:,} fresh coupons, which the"
        f" measurement redeems in random order. p99 with many against few: {found['p99_ratio']:.1f}×."
    )
    aim = Aim(
        f"redeem with {stored['many']:,} stored against {stored['few']:,}",
        "≥ 0.9",
        f"{found['ratio']:.2f}",
        found["ratio"] >= 0.9,
    )
    groups = [f"run {turn + 1}" for turn in range(len(found["few"]["rates"]))]
    series = {f"{stored[key]:,} stored": found[key]["rates"] for key in ("few", "many")}
    return Section(
        text, [aim], {"storage.svg": bars("Redemptions by what is stored", "a second", groups, series)}
    )


def seal(found: Found) -> Section:
    """Without what sealing needs, with it, with a sealer too; of the statement and of the service."""
    rows, aims = [], []
    for key, who in (("service", "the service"), ("pgbench", "the guarded statement")):
        rows += _three_ways(found[key], who, found["cpu_ms_per_thousand"])
        left = found[key]["of_both"]["median"]
        what = f"sealing: rate of {who} with everything against without"
        aims.append(Aim(what, "≥ 0.95", f"{left:.3f}", left >= 0.95))
    cpu = f"{shown(found['cpu_ms_per_thousand'])} ms"
    aims.append(Aim("sealer's CPU for 1,000 records", "say it", cpu, None))
    text = (
        f"{found['connections']} connections, {found['workers']} worker(s). The ratio is the median of the turns' own"
        " ratios, beside it the least and the most of them. By CPU: the same ratio if only the CPU time of a redemption"
        " counted (service, PostgreSQL and sealer), which moves less than a rate does when others use the machine:\n\n"
        f"{table(('', 'ratio', 'turns', 'by CPU', *SIDE), rows)}\n\n"
        f"The sealer is the background process, sealing every {found['every_s']:g} s instead of every 20; in the columns"
        f" it counts as elsewhere. It used {cpu} of CPU for 1,000 records, the work of PostgreSQL for it apart"
        f" ({found['records']:,} sealed). Of the rate with entries a sealer beside it leaves"
        f" {found['service']['of_sealing']['median']:.3f} (service) and"
        f" {found['pgbench']['of_sealing']['median']:.3f} (statement)."
    )
    groups = ["service", "guarded statement"]
    series = {
        name: [found[key][side]["per_second"] for key in ("service", "pgbench")]
        for name, side in (("without entries", "plain"), ("entries", "entries"), ("and a sealer", "sealed"))
    }
    return Section(text, aims, {"seal.svg": bars("Redemptions and sealing", "a second", groups, series)})


def _three_ways(sides: Found, who: str, sealer_us: float) -> list[list[str]]:
    """The rows of one program.

    Args:
        sealer_us: the sealer's CPU for one record; as many µs as there are ms for a thousand.
    """

    def cpu_us(name: str) -> float:
        spent: Found = sides[name]["cpu_us"]
        return float(sum(spent.values()) - spent["load"]) + sealer_us * (name == "sealed")

    rows = [[f"{who}: without entries", "1", "", "1", *side_cells(sides["plain"])]]
    for side, ratio, name in (
        ("entries", "of_entries", "with entries"),
        ("sealed", "of_both", "with entries and a sealer"),
    ):
        left = sides[ratio]
        cells = [
            f"**{left['median']:.3f}**",
            f"{left['least']:.2f} to {left['most']:.2f}",
            f"{cpu_us('plain') / (cpu_us(side) or 1.0):.3f}",
        ]
        rows.append([f"{who}: {name}", *cells, *side_cells(sides[side])])
    return rows


def memory(found: Found) -> Section:
    """MB over requests."""
    points = found["points"]
    some = [
        point for place, point in enumerate(points) if place < 2 or place == len(points) - 1 or place % 4 == 1
    ]
    rows = [
        [f"{point['requests']:,}", *(f"{point[kind]:.1f}" for kind in ("rss", "pss", "uss"))]
        for point in some
    ]
    text = (
        table(("requests", "RSS MB", "PSS MB", "USS MB"), rows)
        + f"\n\nOne process all the way, {shown(found['per_second'])} requests a second. RSS: all its resident pages;"
        " PSS: shared ones by share; USS: those that nobody else has."
        f" USS after against before: {found['uss_ratio']:.2f}."
    )
    aim = Aim(
        f"memory (RSS) after {points[-1]['requests']:,} requests against {found['first']:,}",
        "≤ 1.1",
        f"{found['ratio']:.2f}",
        found["ratio"] <= 1.1,
    )
    series = {
        kind.upper(): [(point["requests"], point[kind]) for point in points] for kind in ("rss", "pss", "uss")
    }
    return Section(text, [aim], {"memory.svg": lines("Memory of a web process", "MB", "requests", series)})


def profile(found: Found) -> Section:
    """CPU and statements by route."""
    costs = [[row["route"], *side_cells(row)] for row in found["rows"]]
    parts = ["One worker, 16 connections, closed loop:", table(("", *SIDE), costs)]
    statements = [
        [
            row["route"],
            f"{entry['calls'] / row['counted']:.2f}",
            f"{entry['ms'] * 1000 / max(1, entry['calls']):.0f}",
            f"`{entry['text'][:90].replace('|', '¦').replace('`', '')}…`",
        ]
        for row in found["rows"]
        for entry in row["statements"]
        if entry["calls"] / row["counted"] >= 0.005
    ]
    parts += [
        "Statements for each request and the µs that one takes inside PostgreSQL (parse, bind and execute; the commit"
        " comes after and is not in it), from PostgreSQL's own log of a run that counts for nothing else:",
        table(("", "for each request", "µs each", "statement"), statements),
    ]
    for row in found["rows"]:
        if row["samples"]:
            parts += [
                f"**{row['route']}**: where {row['samples']['count']:,} samples of the web process were",
                _samples(row),
            ]
    if not any(row["samples"] for row in found["rows"]):
        parts.append("py-spy was not on the PATH: no samples of the web process.")
    return Section("\n\n".join(parts))


def _samples(row: Found) -> str:
    packages = list(row["samples"]["packages"].items())
    functions = list(row["samples"]["functions"].items())
    cells = []
    for place in range(max(len(packages), len(functions))):
        left = packages[place] if place < len(packages) else ("", 0.0)
        right = functions[place] if place < len(functions) else ("", 0.0)
        cells.append([f"{name}" if not share else f"{name} {share:.0%}" for name, share in (left, right)])
    return table(("package where it ended", "function of ours, with all below"), cells)


SECTIONS: dict[str, tuple[str, str, Callable[[Found], Section]]] = {
    "redeem": ("核销 / Redeeming", "bench.redeem", redeem),
    "claim": ("领取 / Claiming", "bench.claim", claim),
    "flash": ("抢领 / A flash sale", "bench.flash", flash),
    "offers": ("优惠列表 / The list of offers", "bench.offers", offers),
    "storage": ("千万条记录 / Ten million records", "bench.storage", storage),
    "seal": ("封存 / Sealing", "bench.seal", seal),
    "memory": ("内存 / Memory", "bench.memory", memory),
    "profile": ("时间花在哪里 / Where the time goes", "bench.profile", profile),
}
