"""Curves as one SVG that is readable on a light and on a dark page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 720, 230  # of one curve
_LEFT, _RIGHT, _TOP, _BOTTOM = 80, 25, 40, 40
_TEXT = 'fill="#888" font-family="sans-serif" font-size="12"'


@dataclass(frozen=True)
class Curve:
    """A title, points (x, y), and the unit of y. Both axes start at zero."""

    title: str
    points: Sequence[tuple[float, float]]
    unit: str


def stacked(curves: Sequence[Curve]) -> str:
    """All curves in one SVG, one below the other."""
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT * len(curves)}" role="img">']
    for number, curve in enumerate(curves):
        parts += [f'<g transform="translate(0 {_HEIGHT * number})">', *_panel(curve), "</g>"]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(curve: Curve) -> list[str]:
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    most_x, most_y = _round_up(max(x for x, _ in curve.points)), _round_up(max(y for _, y in curve.points))
    parts = [f'<text x="{_LEFT}" y="22" {_TEXT} font-weight="bold">{escape(curve.title)}</text>']
    for number in range(5):
        share = number / 4
        x, y = _LEFT + width * share, _TOP + height * (1 - share)
        at_y = f"{most_y * share:,.6g} {curve.unit}"
        parts += [
            f'<path d="M{_LEFT} {y:.1f}H{_LEFT + width}" fill="none" stroke="#888" stroke-opacity="0.35"/>',
            f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" {_TEXT}>{at_y}</text>',
            f'<text x="{x:.1f}" y="{_TOP + height + 20}" text-anchor="middle" {_TEXT}>{most_x * share:,.0f}</text>',
        ]
    line = " ".join(f"{_LEFT + width * x / most_x:.1f},{_TOP + height * (1 - y / most_y):.1f}" for x, y in curve.points)
    return [*parts, f'<polyline points="{line}" fill="none" stroke="#2a7de1" stroke-width="1.5"/>']


def _round_up(value: float) -> float:
    """Rounds up to a round number for an axis: 340 becomes 400."""
    power: float = 10 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if step * power >= value)
