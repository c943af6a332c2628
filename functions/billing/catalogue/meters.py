"""What one can do with meters."""

from uuid import UUID

from billing.catalogue.models import KeptMeter, MeterCreated
from billing.catalogue.ports import Meters
from billing.metering.meters import Meter
from billing.models import Operator, Viewer
from billing.pricing.metered import UnknownMeter
from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_core.paging import Page
from llmo_data.ports import Events, Transaction


class MeterService:
    """Makes and shows meters."""

    def __init__(
        self,
        *,
        meters: Meters,
        operator: Operator,
        events: Events,
        transaction: Transaction,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._meters = meters
        self._operator = operator
        self._events = events
        self._transaction = transaction
        self._clock = clock
        self._new_id = new_id

    async def page(self, principal: Principal, *, before: UUID | None, limit: int) -> Page[KeptMeter]:
        """The deployment's meters, the newest first."""
        viewer = self._operator.viewer(principal)
        found = await self._meters.page(viewer, before=before, limit=limit + 1)
        return Page.of([_shown(meter, viewer) for meter in found], limit)

    async def find(self, principal: Principal, code: str) -> KeptMeter:
        """The meter with this code. Raises UnknownMeter."""
        viewer = self._operator.viewer(principal)
        found = await self._meters.find(viewer, code)
        if found is None:
            raise UnknownMeter
        return _shown(found, viewer)

    async def create(self, principal: Principal, definition: Meter) -> KeptMeter:
        """Make a meter, which never changes. Not safe to retry: its code is taken then.

        Raises NotTheOperator, CodeTaken.
        """
        operator = self._operator.require(principal)
        meter = KeptMeter(
            id=self._new_id(),
            org_id=operator.org_id,
            definition=definition,
            created_by=principal.actor_id,
            created_at=self._clock.now(),
        )
        created = MeterCreated(meter_id=meter.id, code=definition.code, created_by=principal.actor_id)
        async with self._transaction(operator.org_id):
            await self._meters.add(meter)
            await self._events.announce(created, org_id=operator.org_id, aggregate_id=meter.id)
        return meter


def _shown(meter: KeptMeter, viewer: Viewer) -> KeptMeter:
    """What a viewer may know: who of the operator's people made it is nobody else's business."""
    return meter if viewer.is_operator else meter.model_copy(update={"created_by": None})
