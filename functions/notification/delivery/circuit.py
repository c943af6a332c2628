"""When a provider is left alone: while it fails, while it wants to be, and when it had as much as it may get."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from notification.delivery.ports import Failed, Outcome

FAILURES: Final = 5
"""After so many calls in a row that failed nobody is sent to it for a while."""
FIRST_PAUSE: Final = timedelta(seconds=5)
LONGEST_PAUSE: Final = timedelta(minutes=5)
_WHILE_PROBING: Final = timedelta(seconds=1)
_JITTER: Final = 0.2  # workers that were stopped together do not come back together


@dataclass(frozen=True, slots=True)
class Rate:
    """How much one process gives a provider.

    Attributes:
        per_second: Messages, for as long as you like.
        burst: Messages at once, after a pause.
    """

    per_second: float
    burst: int


@dataclass(frozen=True, slots=True)
class Ticket:
    """That messages may be handed to a provider now. Whoever has one gives it back with `note` or `release`.

    Attributes:
        count: How many.
        turn: How often the circuit had opened or closed by then.
        probe: Whether everything depends on it.
    """

    count: int
    turn: int
    probe: bool


class Circuit:
    """Lets messages pass to a provider, or not.

    Closed, it lets everything pass. It opens when calls fail one after another, or at once when our account is
    refused. After a pause it lets one message pass: when that is taken it closes, when it fails it stays open twice as
    long as before.

    Args:
        random: Of [0, 1).
        rate: None for as much as there is.
        of_many: Whether messages go to servers of the recipients' choice: what one of those does says nothing of
            others, and must not keep from anybody else what is theirs. Then it never opens.
    """

    def __init__(self, *, random: Callable[[], float], rate: Rate | None = None, of_many: bool = False) -> None:
        self._random = random
        self._rate = rate
        self._of_many = of_many
        self._tokens = float(rate.burst) if rate is not None else 0.0
        self._filled_at: datetime | None = None
        self._failures = 0
        self._openings = 0
        self._open_until: datetime | None = None
        self._left_alone_until: datetime | None = None
        self._probing = False
        self._turn = 0

    def wait(self, now: datetime) -> timedelta:
        """How long it is at least until something passes; nothing when something would."""
        return max(self._pause(now), self._until_token(now))

    def left_alone(self, now: datetime) -> bool:
        """Whether nothing passes for another reason than the rate, which ends by itself and soon."""
        return self._pause(now) > timedelta()

    def room(self, now: datetime) -> int | None:
        """How many messages pass within a second, one at least; None for as many as there are."""
        if self._rate is None:
            return None
        return max(1, int(self._refilled(now) + self._rate.per_second))

    def _pause(self, now: datetime) -> timedelta:
        moments = [moment for moment in (self._open_until, self._left_alone_until) if moment is not None]
        pause = max([timedelta(), *(moment - now for moment in moments)])
        return max(pause, _WHILE_PROBING) if self._probing else pause

    def _until_token(self, now: datetime) -> timedelta:
        if self._rate is None:
            return timedelta()
        missing = 1 - self._refilled(now)
        # Rounded up: of what falls below a microsecond nobody could wait for the rest.
        return timedelta(microseconds=ceil(missing / self._rate.per_second * 1e6)) if missing > 0 else timedelta()

    def admit(self, wanted: int, now: datetime) -> Ticket | None:
        """Let as many of these messages pass as may; None when none may."""
        if self.wait(now) > timedelta() or wanted <= 0:
            return None
        probe = self._open_until is not None
        count = 1 if probe else wanted
        if self._rate is not None:
            tokens = self._refilled(now)
            count = min(count, max(1, int(tokens)))  # one passes when `wait` says so, whatever a float makes of it
            self._tokens, self._filled_at = tokens - count, now
        self._probing = probe
        return Ticket(count, self._turn, probe)

    def note(self, ticket: Ticket, outcomes: Sequence[Outcome], now: datetime) -> bool:
        """What came of a call; whether the circuit has opened because of it.

        What was begun before the circuit opened or closed says nothing of it any more.
        """
        if self._of_many:
            return False
        openings = self._openings
        self._note(ticket, outcomes, now)
        return self._openings > openings

    def _note(self, ticket: Ticket, outcomes: Sequence[Outcome], now: datetime) -> None:
        failed = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
        waits = [each.retry_after for each in failed if each.retry_after is not None]
        if waits:
            self._left_alone_until = max(now + max(waits), self._left_alone_until or now)
        if ticket.turn != self._turn:
            return
        self.release(ticket)
        if any(each.ours for each in failed):
            self._open(now)
        elif len(failed) < len(outcomes):
            self._close()
        elif len(waits) < len(failed):
            self._failures += 1
            if ticket.probe or self._failures >= FAILURES:
                self._open(now)

    def release(self, ticket: Ticket) -> None:
        """Nothing came of a call: it was given up."""
        if ticket.probe and ticket.turn == self._turn:
            self._probing = False

    def _open(self, now: datetime) -> None:
        pause = min(FIRST_PAUSE * 2 ** min(self._openings, 16), LONGEST_PAUSE)
        self._open_until = now + pause * (1 + _JITTER * (2 * self._random() - 1))
        self._openings += 1
        self._failures = 0
        self._turn += 1

    def _close(self) -> None:
        self._failures = 0
        if self._open_until is not None:
            self._open_until = None
            self._openings = 0
            self._turn += 1

    def _refilled(self, now: datetime) -> float:
        if self._rate is None or self._filled_at is None:
            return self._tokens
        passed = max((now - self._filled_at).total_seconds(), 0.0)
        return min(self._tokens + passed * self._rate.per_second, float(self._rate.burst))
