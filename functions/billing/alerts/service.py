"""What one can do with alerts."""

from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

from billing.alerts.models import (
    MOST_ALERTS,
    Alert,
    AlertKind,
    Crossing,
    CurrencyMismatch,
    Levels,
    TooManyAlerts,
    UnknownAlert,
)
from billing.alerts.ports import Alerts, Readings
from billing.fields import Code
from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_core.currencies import Currency
from llmo_core.ids import NewId
from llmo_core.model import Model
from llmo_core.paging import Page
from llmo_data.ports import Transaction

_CROSSINGS_SHOWN: Final = 100


class NewAlert(Model):
    """What an alert is made of; see Alert."""

    name: str
    kind: AlertKind
    currency: Currency | None
    meter: Code | None
    wallet_id: UUID | None
    levels: Levels


class AlertService:
    """Makes, shows, changes and removes the caller's alerts."""

    def __init__(
        self, *, alerts: Alerts, readings: Readings, transaction: Transaction, clock: Clock, new_id: NewId
    ) -> None:
        self._alerts = alerts
        self._readings = readings
        self._transaction = transaction
        self._clock = clock
        self._new_id = new_id

    async def page(self, principal: Principal, *, before: UUID | None, limit: int) -> Page[Alert]:
        """The organization's alerts, the newest first."""
        return Page.of(await self._alerts.page(principal.org_id, before=before, limit=limit + 1), limit)

    async def find(self, principal: Principal, alert_id: UUID) -> tuple[Alert, Sequence[Crossing]]:
        """An alert, with what was crossed of it, the latest first. Raises UnknownAlert."""
        found = await self._alerts.find(principal.org_id, alert_id)
        if found is None:
            raise UnknownAlert
        return found, await self._alerts.crossings(principal.org_id, alert_id, limit=_CROSSINGS_SHOWN)

    async def create(self, principal: Principal, new: NewAlert) -> Alert:
        """Make an alert. What is crossed already is told of within a minute.

        Raises TooManyAlerts, CurrencyMismatch, UnfittingLevels, UnknownMeter, UnknownWallet.
        """
        now, org_id = self._clock.now(), principal.org_id
        async with self._transaction(org_id):
            if await self._alerts.count(org_id) >= MOST_ALERTS:
                raise TooManyAlerts(f"An organization has {MOST_ALERTS} alerts at most.")
            alert = Alert(
                **dict(new),
                id=self._new_id(),
                org_id=org_id,
                created_by=principal.actor_id,
                created_at=now,
                updated_at=now,
                looked_at=now,
            )
            alert = alert.model_copy(update={"currency": await self._currency(alert)})
            alert.require_fitting()
            await self._alerts.add(alert)
        return alert

    async def change(
        self, principal: Principal, alert_id: UUID, changes: Model, *, expected: Collection[int] | None
    ) -> Alert:
        """Change the fields of `name` and of the levels that are set in `changes`. Levels of other values are new ones.

        Raises UnknownAlert, ChangedMeanwhile, UnfittingLevels.
        """
        fields: dict[str, Any] = {name: getattr(changes, name) for name in changes.model_fields_set}
        async with self._transaction(principal.org_id):
            before = await self._locked(principal, alert_id)
            before.require_revision(expected)
            levels = before.levels.changed({name: fields[name] for name in Levels.model_fields if name in fields})
            after = before.model_copy(update={"name": fields.get("name", before.name), "levels": levels})
            if after == before:
                return before
            after = after.model_copy(update={"revision": before.revision + 1, "updated_at": self._clock.now()})
            after.require_fitting()
            await self._alerts.change(after)
        return after

    async def remove(self, principal: Principal, alert_id: UUID) -> None:
        """Remove an alert. Raises UnknownAlert."""
        async with self._transaction(principal.org_id):
            await self._alerts.remove(await self._locked(principal, alert_id), at=self._clock.now())

    async def _locked(self, principal: Principal, alert_id: UUID) -> Alert:
        found = await self._alerts.locked(principal.org_id, alert_id)
        if found is None:
            raise UnknownAlert
        return found

    async def _currency(self, alert: Alert) -> Currency | None:
        """What its amounts are in, once it is known that what it looks at is there."""
        match alert.kind:
            case AlertKind.USAGE:
                await self._readings.require_meter(alert.org_id, alert.meter or "")
                return None
            case AlertKind.CREDIT_BALANCE if alert.wallet_id is not None:
                return await self._readings.wallet_currency(alert.org_id, alert.wallet_id)
        billed = await self._readings.currency(alert.org_id)
        if billed is not None and billed != alert.currency:
            raise CurrencyMismatch(f"The subscription is billed in {billed}.")
        return alert.currency
