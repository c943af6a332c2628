"""Periods that are under way, as subscriptions and accounts say."""

from datetime import datetime
from uuid import UUID

from billing.current_usage.models import NothingOpen, NotOpen, OpenPeriod, OpenStretch
from billing.current_usage.ports import Accounts, NewestSubscriptions
from billing.subscriptions.bills import period_bill
from billing.subscriptions.dates import as_of
from billing.subscriptions.models import Status, Subscription
from billing.taxes import UNTAXED, Taxation

_NOT_OPEN = {
    Status.ENDED: NotOpen.NOT_SUBSCRIBED,
    Status.TRIALING: NotOpen.TRIALING,
    Status.PAUSED: NotOpen.PAUSED,
}


class SubscribedPeriods:
    """The periods of organizations' subscriptions, billed by what is known of these."""

    def __init__(self, *, subscriptions: NewestSubscriptions, accounts: Accounts) -> None:
        self._subscriptions = subscriptions
        self._accounts = accounts

    async def open(self, org_id: UUID, at: datetime) -> OpenPeriod:
        """The organization's at a moment; the first one of a subscription that begins with the next day.

        Raises NothingOpen.
        """
        newest = await self._subscriptions.newest(org_id)
        if newest is None:
            raise NothingOpen(NotOpen.NOT_SUBSCRIBED)
        account = await self._accounts.find(org_id)
        return opened(as_of(newest, at).subscription, account.taxation if account is not None else UNTAXED)


def opened(subscription: Subscription, taxation: Taxation) -> OpenPeriod:
    """The period that a subscription is in. Raises NothingOpen."""
    period = subscription.current_period
    if period is None or subscription.status is not Status.ACTIVE:
        raise NothingOpen(_NOT_OPEN[subscription.status])
    bill = period_bill(subscription, period, taxation)
    return OpenPeriod(
        subscription_id=subscription.id,
        period=period,
        currency=subscription.phase.terms.definition.currency,
        taxation=taxation,
        advance=(*bill.advance, *(item for change in bill.changes for item in change.items)),
        stretches=tuple(
            OpenStretch(stretch=rated.stretch, plan=rated.phase.terms.definition) for rated in bill.stretches
        ),
    )
