"""What becomes of a message after a sender had it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from llmo_core.clock import Clock
from notification.delivery.models import Leased, Settled
from notification.delivery.ports import Failed, NotBegun, Outcome, Refused, Sent
from notification.delivery.retrying import wait_after
from notification.models import Status

_DEFECT: Final = "A defect in rendering; the log has it."


class Settling:
    """Decides what becomes of messages: they are over, or tried again.

    Args:
        sender: Who sent what does not say so itself.
        random: Of [0, 1).
        prices: US dollars a message, by the name of a provider that does not say so itself.
    """

    def __init__(
        self, *, sender: str, clock: Clock, random: Callable[[], float], prices: Mapping[str, Decimal]
    ) -> None:
        self._sender = sender
        self._clock = clock
        self._random = random
        self._prices = prices

    def after(self, message: Leased, outcome: Outcome, started_at: datetime) -> Settled:
        """What came of an attempt."""
        came = Settled(
            message.id,
            Status.SENT,
            None,
            None,
            message.attempts + 1,
            provider=outcome.provider or self._sender,
            started_at=started_at,
            leased_attempts=message.attempts,
        )
        match outcome:
            case Sent():
                price = self._prices.get(outcome.provider or self._sender)
                known = (outcome.cost, outcome.currency) if outcome.cost is not None else (price, "USD")
                cost, currency = known if known[0] is not None else (None, None)
                return replace(came, outcome="sent", provider_id=outcome.provider_id, cost=cost, currency=currency)
            case Refused():
                status = Status.BOUNCED if outcome.gone else Status.FAILED
                return replace(came, status=status, reason=outcome.reason[:500], outcome="refused")
            case Failed():
                return self._again(message, outcome, came)
            case NotBegun():
                return replace(came, status=Status.QUEUED, attempts=message.attempts, provider=None)

    def after_defect(self, message: Leased, now: datetime) -> Settled:
        """It could not be rendered, and nobody knows why: somebody may mend that meanwhile."""
        due_at = now + wait_after(message.attempts + 1, jitter=self._random())
        return Settled(
            message.id, Status.QUEUED, _DEFECT, due_at, message.attempts + 1, leased_attempts=message.attempts
        )

    def _again(self, message: Leased, outcome: Failed, came: Settled) -> Settled:
        """When it is tried again, as long as it is worth anything. Where nobody was asked, there was no attempt."""
        asked = outcome.provider is not None or outcome.unknown
        attempts = message.attempts + asked
        wait = wait_after(max(attempts, 1), jitter=self._random(), retry_after=outcome.retry_after)
        due_at = self._clock.now() + wait
        worth = due_at < message.give_up_at
        return replace(
            came,
            status=Status.QUEUED if worth else Status.FAILED,
            reason=outcome.reason[:500],
            due_at=due_at if worth else None,
            attempts=attempts,
            outcome=("unknown" if outcome.unknown else "failed") if asked else None,
            provider=came.provider if asked else None,
        )


def over(message: Leased, now: datetime, *, read: bool) -> tuple[Status, str | None] | None:
    """Why a message is not worth sending any more."""
    if read:
        return Status.SKIPPED, "It was read in the inbox."
    if message.give_up_at <= now:
        return Status.EXPIRED, "It is worth nothing any more."
    return None
