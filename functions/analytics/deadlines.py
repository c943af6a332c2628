"""Deadlines: how long everything together may take that one answer needs."""

from collections.abc import Callable
from time import monotonic
from typing import Final

from analytics.models import TooSlow

ANSWER_SECONDS: Final = 22.0
"""Of API Gateway's 29, once more to find the server's included."""

_NARROWER: Final = "Ask for a shorter range, a coarser interval, fewer dimensions, or without filters."


class Deadline:
    """The time that is left for an answer; reading and counting share it.

    Args:
        seconds: From now on.
        narrower: What makes the answer faster, for those who are refused one.
        timer: Seconds that never go back.
    """

    def __init__(
        self,
        seconds: float = ANSWER_SECONDS,
        *,
        narrower: str = _NARROWER,
        timer: Callable[[], float] = monotonic,
    ) -> None:
        self._timer = timer
        self._ends = timer() + seconds
        self._refusal = f"The answer would have taken more than {seconds:g} seconds. {narrower}"

    def check(self) -> None:
        """Go on only while there is time. Raises TooSlow."""
        if self._timer() >= self._ends:
            raise self.too_slow()

    def left_ms(self) -> int:
        """For how many milliseconds a read may last, at least one. Raises TooSlow where none are left."""
        self.check()
        return max(1, int((self._ends - self._timer()) * 1000))

    def too_slow(self) -> TooSlow:
        """What to raise when it is over."""
        return TooSlow(self._refusal)


def unhurried() -> None:
    """What is checked where nothing has to end in time."""
