"""Plots as plain SVG: bars in groups, and lines; readable on white and on dark paper, no script, no font of their own."""

import math
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 760, 340
LEFT, RIGHT, TOP, BOTTOM = 72, 16, 64, 46
COLOURS = ("#2f81f7", "#d29922", "#3fb950", "#a371f7", "#f85149")
INK, GRID = "#768390", "#76839044"
TICKS = 5


def bars(title: str, unit: str, groups: Sequence[str], series: Mapping[str, Sequence[float]]) -> str:
    """Bars in groups, a colour for each series, its value above each.

    Args:
        series: one value per group for each name.
    """
    top = _nice(max((value for values in series.values() for value in values), default=1.0))
    width = (WIDTH - LEFT - RIGHT) / max(1, len(groups))
    bar = min(72.0, width * 0.8 / max(1, len(series)))
    drawn = []
    for place, group in enumerate(groups):
        middle = LEFT + width * (place + 0.5)
        drawn.append(_text(middle, HEIGHT - BOTTOM + 20, group, "middle"))
        for turn, values in enumerate(series.values()):
            x = middle + (turn - len(series) / 2) * bar
            y = _y(values[place], top)
            drawn.append(
                f'<rect x="{x + 2:.1f}" y="{y:.1f}" width="{bar - 4:.1f}" height="{HEIGHT - BOTTOM - y:.1f}"'
                f' rx="2" fill="{COLOURS[turn % len(COLOURS)]}"/>'
            )
            drawn.append(_text(x + bar / 2, y - 5, shown(values[place]), "middle", 11))
    return _page(title, unit, list(series), top, drawn)


def lines(title: str, unit: str, x_unit: str, series: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Lines over a common axis that begins at 0, as the other one does.

    Args:
        series: points (x, y) in the order of x for each name.
    """
    points = [point for each in series.values() for point in each]
    top = _nice(max((y for _, y in points), default=1.0))
    end = max((x for x, _ in points), default=1.0) or 1.0
    drawn = []
    for turn, each in enumerate(series.values()):
        path = " ".join(f"{_x(x, end):.1f},{_y(y, top):.1f}" for x, y in each)
        colour = COLOURS[turn % len(COLOURS)]
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
    for tick in range(TICKS + 1):
        x = end * tick / TICKS
        drawn.append(_text(_x(x, end), HEIGHT - BOTTOM + 18, _tick(x), "end" if tick == TICKS else "middle"))
    drawn.append(_text(LEFT + (WIDTH - LEFT - RIGHT) / 2, HEIGHT - 8, x_unit, "middle"))
    names = [f"{name}, {shown(each[-1][1])} at the end" for name, each in series.items() if each]
    return _page(title, unit, names, top, drawn)


def shown(value: float) -> str:
    """A number as people write it: three digits that count, thousands apart."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "-"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _tick(value: float) -> str:
    return f"{value:,.6g}"


def _page(title: str, unit: str, names: Sequence[str], top: float, drawn: Sequence[str]) -> str:
    axis = []
    for tick in range(TICKS + 1):
        y = _y(top * tick / TICKS, top)
        axis.append(
            f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="{GRID}" stroke-width="1"/>'
        )
        axis.append(_text(LEFT - 8, y + 4, _tick(top * tick / TICKS), "end"))
    legend, x = [], float(LEFT)
    for turn, name in enumerate(names):
        legend.append(
            f'<rect x="{x:.0f}" y="36" width="12" height="12" rx="2" fill="{COLOURS[turn % len(COLOURS)]}"/>'
        )
        legend.append(_text(x + 17, 46, name, "start"))
        x += 40 + 6.4 * len(name)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
        f' role="img" font-family="sans-serif"><title>{escape(title)}</title>\n'
        + "\n".join([_text(LEFT, 22, f"{title} ({unit})", "start", 15), *legend, *axis, *drawn])
        + "\n</svg>\n"
    )


def _text(x: float, y: float, text: str, anchor: str, size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{INK}">{escape(text)}</text>'


def _x(value: float, end: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * value / end


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top


def _nice(value: float) -> float:
    """The end of an axis: a little above the largest value, and easy to divide by the ticks."""
    if value <= 0:
        return 1.0
    size = 10.0 ** math.floor(math.log10(value))
    return next(
        size * step for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 15) if size * step >= value * 1.05
    )
