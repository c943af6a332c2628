"""Keeping what has become of a subscription, with what is announced of it."""

from billing.subscriptions.dates import Brought
from billing.subscriptions.models import Subscription
from billing.subscriptions.ports import Subscriptions
from llmo_data.ports import Events


class Keeping:
    """Keeps and announces in the transaction under way."""

    def __init__(self, *, subscriptions: Subscriptions, events: Events) -> None:
        self._subscriptions = subscriptions
        self._events = events

    async def keep(self, kept: Subscription, *brought: Brought) -> Subscription:
        """Keep the last of what one thing after the other made of a subscription, and announce all of them."""
        after = brought[-1].subscription
        await self._subscriptions.change(kept, after)
        for each in brought:
            await self.announce(each)
        return after

    async def announce(self, brought: Brought) -> None:
        """Announce what has happened to a subscription, in order."""
        subscription = brought.subscription
        for event in brought.events:
            await self._events.announce(event, org_id=subscription.org_id, aggregate_id=subscription.id)
