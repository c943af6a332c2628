"""Credit that nobody spent in time."""

from billing.wallets.credits import Credits
from billing.wallets.ports import Grants
from llmo_core.clock import Clock
from llmo_core.observability import logger

_AT_ONCE = 100  # organizations


class ExpiryService:
    """Lets credit expire, of all organizations."""

    def __init__(self, *, grants: Grants, credits_: Credits, clock: Clock) -> None:
        self._grants = grants
        self._credits = credits_
        self._clock = clock

    async def run(self) -> int:
        """Let all credit expire whose time has come; of how many wallets. Safe to repeat, and to run twice at once."""
        done = 0
        while due := await self._grants.wallets_with_expired(self._clock.now(), limit=_AT_ONCE):
            for org_id, currency in due:
                amount = await self._credits.expire(org_id, currency)
                logger().info("credit expired", extra={"org_id": str(org_id), "currency": currency, "amount": amount})
            done += len(due)
        return done
