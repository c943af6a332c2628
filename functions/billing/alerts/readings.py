"""What alerts look at, as current usage, meters and wallets have it."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from billing.alerts.models import Alert, AlertKind, Reading
from billing.current_usage.models import CurrentUsage, NothingOpen
from billing.current_usage.ports import CountedUsage
from billing.current_usage.service import CurrentUsageService
from billing.periods import Period
from billing.wallets.models import UnknownWallet
from billing.wallets.ports import Wallets
from llmo_core.clock import Clock
from llmo_core.currencies import Currency


class KnownSpending:
    """What organizations have spent, used and left."""

    def __init__(
        self, *, current_usage: CurrentUsageService, counted: CountedUsage, wallets: Wallets, clock: Clock
    ) -> None:
        self._current_usage = current_usage
        self._counted = counted
        self._wallets = wallets
        self._clock = clock

    async def of(self, org_id: UUID, alerts: Sequence[Alert]) -> Sequence[tuple[Alert, Reading]]:
        """What there is of it now; nothing for alerts of a period where none is under way, or in another currency."""
        needs_period = any(alert.kind is not AlertKind.CREDIT_BALANCE for alert in alerts)
        usage = await self._usage(org_id) if needs_period else None
        found: list[tuple[Alert, Reading]] = []
        for alert in alerts:
            reading = await self._reading(alert, usage)
            if reading is not None:
                found.append((alert, reading))
        return found

    async def currency(self, org_id: UUID) -> Currency | None:
        """What the organization's period is billed in; None where none is under way."""
        usage = await self._usage(org_id)
        return usage.so_far.currency if usage is not None else None

    async def require_meter(self, org_id: UUID, code: str) -> None:
        """Raise UnknownMeter for a meter that there is not."""
        midnight = self._clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        await self._counted.counted(org_id, [code], Period(start=midnight, end=midnight + timedelta(days=1)))

    async def wallet_currency(self, org_id: UUID, wallet_id: UUID) -> Currency:
        """What is in a wallet. Raises UnknownWallet."""
        wallet = await self._wallets.find(org_id, wallet_id, now=self._clock.now())
        if wallet is None:
            raise UnknownWallet
        return wallet.currency

    async def _usage(self, org_id: UUID) -> CurrentUsage | None:
        try:
            return await self._current_usage.read(org_id)
        except NothingOpen:
            return None

    async def _reading(self, alert: Alert, usage: CurrentUsage | None) -> Reading | None:
        if alert.kind is AlertKind.CREDIT_BALANCE:
            return await self._balance(alert)
        if usage is None:
            return None
        if alert.kind is AlertKind.USAGE and alert.meter is not None:
            counted = await self._counted.counted(alert.org_id, [alert.meter], usage.period)
            return Reading(counted[alert.meter].quantity, usage.period)
        shown = usage.so_far if alert.kind is AlertKind.SPEND else usage.projected
        return Reading(Decimal(shown.total), usage.period) if shown.currency == alert.currency else None

    async def _balance(self, alert: Alert) -> Reading | None:
        if alert.wallet_id is None:
            return None
        wallet = await self._wallets.find(alert.org_id, alert.wallet_id, now=self._clock.now())
        return Reading(Decimal(wallet.balance), None) if wallet is not None else None
