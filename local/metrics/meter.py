"""Counting invocations: quick, and bounded, since every invocation passes here."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

_DIGITS = 3  # of a duration: half a per cent at most


@dataclass(slots=True)
class Measured:
    """A function's invocations since the last look.

    Attributes:
        durations: How often each took so many milliseconds, to three digits.
        errors: How many failed.
        invocations: How many there were; one whose process did not start took no time.
    """

    invocations: int = 0
    errors: int = 0
    durations: Counter[float] = field(default_factory=Counter)


class Meter:
    """Counts what functions do, until somebody takes it."""

    def __init__(self) -> None:
        self._measured: dict[str, Measured] = {}

    def record(self, function: str, seconds: float | None, *, failed: bool) -> None:
        """Count an invocation; `seconds` is None where the function did not start."""
        measured = self._measured.setdefault(function, Measured())
        measured.invocations += 1
        measured.errors += failed
        if seconds is not None:
            measured.durations[float(f"{seconds * 1000:.{_DIGITS}g}")] += 1

    def take(self) -> Mapping[str, Measured]:
        """What was counted since the last time, by function."""
        measured, self._measured = self._measured, {}
        return measured
