"""A line chart as SVG, for documents that show it in the light and in the dark."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 760, 320, 64, 40, 28
_COLOURS: Final = ("#2563eb", "#d97706", "#059669", "#db2777")
_TEXT: Final = "#6b7280"


def chart(title: str, unit: str, lines: Mapping[str, Sequence[float]]) -> str:
    """Values by second, each line from 0 on; all share both axes."""
    most = max(max(line) for line in lines.values()) * 1.05
    longest = max(len(line) for line in lines.values()) - 1
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
            'font-family="sans-serif" font-size="12">'
        ),
        f'<text x="{_LEFT}" y="16" fill="{_TEXT}">{escape(title)} ({escape(unit)})</text>',
    ]
    for step in range(5):
        y = _y(most * step / 4, most)
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - 8}" stroke="{_TEXT}" stroke-opacity=".25"/>')
        parts.append(
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" fill="{_TEXT}">{most * step / 4:,.0f}</text>'
        )
    for step in range(7):
        seconds = longest * step / 6
        x = _x(seconds, longest)
        parts.append(f'<text x="{x:.1f}" y="{_HEIGHT - 22}" text-anchor="middle" fill="{_TEXT}">{seconds:.0f} s</text>')
    for number, (name, line) in enumerate(lines.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        points = " ".join(f"{_x(at, longest):.1f},{_y(value, most):.1f}" for at, value in enumerate(line))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        x = _LEFT + number * 200
        parts.append(f'<rect x="{x}" y="{_HEIGHT - 12}" width="10" height="3" fill="{colour}"/>')
        parts.append(f'<text x="{x + 15}" y="{_HEIGHT - 7}" fill="{_TEXT}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _x(at: float, longest: int) -> float:
    return _LEFT + (_WIDTH - _LEFT - 8) * at / longest


def _y(value: float, most: float) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * value / most
