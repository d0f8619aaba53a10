"""One of the two that a measurement compares: its runs taken together, and the CPU that they cost."""

from dataclasses import dataclass, field
from typing import Any

from bench.load import Figures
from bench.machine import Usage

QUANTILES = (0.5, 0.9, 0.95, 0.99, 0.999)


@dataclass
class Side:
    """Runs of one program under one load. `rates` has each run's own figure: how far they are apart."""

    figures: Figures = field(default_factory=Figures)
    usage: Usage = field(default_factory=Usage)
    rates: list[float] = field(default_factory=list)

    def add(self, figures: Figures, usage: Usage) -> Figures:
        """Count one more run in; gives it back."""
        self.rates.append(figures.per_second)
        self.figures.seconds += figures.seconds
        self.figures.latencies.extend(figures.latencies)
        self.figures.statuses.update(figures.statuses)
        self.figures.cpu_s += figures.cpu_s
        self.usage.seconds += usage.seconds
        self.usage.busy_s += usage.busy_s
        for name, cpu_s in usage.groups.items():
            self.usage.groups[name] = self.usage.groups.get(name, 0.0) + cpu_s
        return figures

    def as_json(self) -> dict[str, Any]:
        """Rate, quantiles in ms, CPU µs per request by who used them; shares of the machine's cores."""
        count, cores = max(1, self.figures.count), self.usage.seconds or 1.0
        ours = self.figures.cpu_s + sum(self.usage.groups.values())
        cpu = {"load": self.figures.cpu_s, **self.usage.groups}
        return {
            "count": self.figures.count,
            "seconds": round(self.figures.seconds, 2),
            "per_second": round(self.figures.per_second, 1),
            "rates": [round(rate, 1) for rate in self.rates],
            "ms": {str(share): round(self.figures.quantile_ms(share), 3) for share in QUANTILES},
            "statuses": {str(status): count for status, count in sorted(self.figures.statuses.items())},
            "cpu_us": {name: round(cpu_s / count * 1e6, 1) for name, cpu_s in cpu.items()},
            "cores": {name: round(cpu_s / cores, 2) for name, cpu_s in cpu.items()},
            "cores_busy": round(self.usage.busy_s / cores, 2),
            "cores_elsewhere": round(max(0.0, self.usage.busy_s - ours) / cores, 2),
        }
