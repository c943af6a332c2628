"""The axis of values: from where to where, in steps that people count in."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_GROUPED_BELOW = 1e6
_LETTERS = ((1e12, "T"), (1e9, "B"), (1e6, "M"))
_WRITTEN_OUT_BELOW = 1e15
_SMALLEST = 1e-300


@dataclass(frozen=True, slots=True)
class Axis:
    """Ticks from the lowest to the highest; there are at least two, and all values lie between them."""

    ticks: Sequence[float]
    step: float

    def share(self, value: float) -> float:
        """How far up a value lies: 0 at the lowest tick, 1 at the highest."""
        low, high = self.ticks[0], self.ticks[-1]
        return (value - low) / (high - low)

    def label(self, tick: float) -> str:
        """A tick in as many digits as its steps need: `0.05`, `1,500`, `2.5M`, `3e+20`."""
        if tick == 0:
            return "0"
        if abs(tick) >= _WRITTEN_OUT_BELOW or self.step < 1 / _GROUPED_BELOW:
            return f"{tick:.3g}"
        for size, letter in _LETTERS:
            if abs(self.ticks[-1]) >= size or abs(self.ticks[0]) >= size:
                return f"{tick / size:,.{_places(self.step / size)}f}{letter}"
        return f"{tick:,.{_places(self.step)}f}"


def axis(values: Sequence[float], *, ticks: int = 5) -> Axis:
    """An axis of about so many steps that has zero and all these values on it; they are at most 1e251."""
    low, high = min(0.0, *values, 0.0), max(0.0, *values, 0.0)
    if high - low < _SMALLEST:
        low, high = 0.0, 1.0
    step = _step((high - low) / ticks)
    first, last = floor(low / step), ceil(high / step)
    if first == last:
        last += 1
    return Axis([number * step for number in range(first, last + 1)], step)


def _step(least: float) -> float:
    size = 10.0 ** floor(log10(least))
    return next(size * step for step in _STEPS if size * step >= least * (1 - 1e-9))


def _places(step: float) -> int:
    """Decimal places that tell multiples of a step apart."""
    for places in range(8):
        if abs(step * 10**places - round(step * 10**places)) < 1e-6 * max(1.0, step * 10**places):
            return places
    return 8
