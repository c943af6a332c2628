"""What organizations owe, as subscriptions and invoices have it."""

from datetime import datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from billing.accounts.models import Account
from billing.exact import percent, product, total
from billing.fields import MinorUnits
from billing.invoices.drafting import DraftingService
from billing.invoicing.computing import compute
from billing.prepaid.models import Owed
from billing.pricing.plans import PlanVersion
from billing.pricing.prices import PassThrough
from billing.subscriptions.dates import as_of
from billing.subscriptions.models import Subscription
from billing.taxes import UNTAXED, Taxation, TaxBehavior
from llmo_core.currencies import Currency

_ONE = Decimal(1)


class Subscriptions(Protocol):
    """Subscriptions."""

    async def newest(self, org_id: UUID) -> Subscription | None:
        """The one that started last."""
        ...


class Accounts(Protocol):
    """How organizations are taxed."""

    async def find(self, org_id: UUID) -> Account | None:
        """An organization's account."""
        ...


class Drafts(Protocol):
    """Invoices that have taken no credit yet."""

    async def drafted(self, org_id: UUID, currency: Currency) -> MinorUnits:
        """What an organization's drafts come to."""
        ...


class KnownDebts:
    """What subscriptions owe that is on no invoice, and what is on drafts."""

    def __init__(
        self, *, subscriptions: Subscriptions, accounts: Accounts, drafting: DraftingService, drafts: Drafts
    ) -> None:
        self._subscriptions = subscriptions
        self._accounts = accounts
        self._drafting = drafting
        self._drafts = drafts

    async def owed(self, org_id: UUID, now: datetime) -> Owed:
        """What no invoice has taken of the credit yet.

        Drafts are looked at last: what is drafted meanwhile counts twice, and never not at all.
        """
        newest = await self._subscriptions.newest(org_id)
        if newest is None:
            return Owed(amount=await self._drafts.drafted(org_id, Currency.USD))
        subscription = as_of(newest, now).subscription
        plan = subscription.phase.terms.definition
        if plan.currency is not Currency.USD:
            return Owed(in_dollars=subscription.ended_at is not None)
        account = await self._accounts.find(org_id)
        taxation = account.taxation if account is not None else UNTAXED
        upcoming = compute(plan.currency, await self._drafting.upcoming(subscription, now))
        lines = max(len(upcoming.lines), len(plan.charges))
        return Owed(
            amount=max(upcoming.total, 0) + await self._drafts.drafted(org_id, Currency.USD),
            slack=-(-lines * (1 + len(taxation.rates)) // 2),  # half a cent for each amount that is rounded
            factor=product(_passed_on(plan), _taxed(taxation)),
        )


def _passed_on(plan: PlanVersion) -> Decimal:
    """What a dollar that a call costs is charged, at the most: by all charges that pass costs on."""
    factors = [
        total((_ONE, percent(charge.price.markup_percent)))
        for charge in plan.for_usage
        if isinstance(charge.price, PassThrough)
    ]
    return total(factors) if factors else _ONE


def _taxed(taxation: Taxation) -> Decimal:
    if taxation.behavior is not TaxBehavior.EXCLUSIVE:
        return _ONE
    return total((_ONE, *(percent(rate.percent) for rate in taxation.rates)))
