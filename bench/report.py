"""The report: figures, their table, and the JSON file."""

from __future__ import annotations

import dataclasses
import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Spread:
    """Median, lowest and highest of several rounds."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        values = sorted(values)
        return cls(statistics.median(values), values[0], values[-1])


@dataclass(frozen=True)
class Target:
    """The limit for a figure: for its ratio, its value or its p99."""

    of: Literal["ratio", "value", "p99_ms"]
    how: Literal[">=", "<="]
    number: float

    def __str__(self) -> str:
        name = {"ratio": "ratio ", "value": "", "p99_ms": "p99 "}[self.of]
        return f"{name}{self.how} {_number(self.number)}"


@dataclass(frozen=True)
class Figure:
    """One line of the table. `value` is in `unit`; `ratio` is to `floor_value`, measured in the same rounds."""

    scenario: str
    engine: str
    name: str
    value: Spread
    unit: str
    floor: str
    floor_value: Spread
    ratio: Spread
    p50_ms: float | None = None
    p99_ms: float | None = None
    target: Target | None = None
    cpu_us: Spread | None = None  # CPU time of the server for one request
    floor_cpu_us: Spread | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without a target."""
        if self.target is None:
            return None
        reached = {"ratio": self.ratio.median, "value": self.value.median, "p99_ms": self.p99_ms}[self.target.of]
        assert reached is not None
        return reached >= self.target.number if self.target.how == ">=" else reached <= self.target.number


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of all values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


HEADINGS = (
    "engine",
    "figure",
    "median (min..max)",
    "p50 ms",
    "p99 ms",
    "cpu us",
    "floor",
    "ratio (min..max)",
    "target",
    "met",
)


def lines(figures: Sequence[Figure]) -> list[tuple[str, ...]]:
    """The cells of the table, with the headings first."""
    return [HEADINGS, *[_line(figure) for figure in figures]]


def _line(figure: Figure) -> tuple[str, ...]:
    return (
        figure.engine,
        figure.name,
        f"{_spread(figure.value)} {figure.unit}",
        "" if figure.p50_ms is None else f"{figure.p50_ms:.2f}",
        "" if figure.p99_ms is None else f"{figure.p99_ms:.2f}",
        _cpu(figure),
        f"{figure.floor}: {_number(figure.floor_value.median)}",
        f"{figure.ratio.median:.2f} ({figure.ratio.low:.2f}..{figure.ratio.high:.2f})",
        "" if figure.target is None else str(figure.target),
        {None: "", True: "yes", False: "NO"}[figure.met],
    )


def _cpu(figure: Figure) -> str:
    if figure.cpu_us is None or figure.floor_cpu_us is None:
        return ""
    return f"{figure.cpu_us.median:.0f} : {figure.floor_cpu_us.median:.0f}"


def table(figures: Sequence[Figure]) -> str:
    """The table as aligned text."""
    rows = lines(figures)
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    printed = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([printed[0], "  ".join("-" * width for width in widths), *printed[1:]])


def markdown(figures: Sequence[Figure]) -> str:
    """The table for docs/performance.md."""
    rows = lines(figures)
    return "\n".join(f"| {' | '.join(row)} |" for row in [rows[0], ("---",) * len(HEADINGS), *rows[1:]]) + "\n"


def write_json(path: Path, figures: Sequence[Figure], about: dict[str, object]) -> None:
    """Writes all figures, and a description of the machine."""
    measured = [dataclasses.asdict(figure) | {"met": figure.met} for figure in figures]
    path.write_text(json.dumps({"about": about, "figures": measured}, indent=1) + "\n")


def _spread(spread: Spread) -> str:
    return f"{_number(spread.median)} ({_number(spread.low)}..{_number(spread.high)})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
