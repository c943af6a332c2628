"""What looks at alerts without a caller, with its adapters: made at the first use, of less than the API is told."""

from billing import wiring as shared
from billing.alerts.repository import PostgresCrossings
from billing.alerts.watching import AlertWatch
from billing.alerts.wiring import known_spending
from billing.prepaid.wiring import prepaid_limits
from billing.settings import WatchSettings
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id
from llmo_data.outbox import Outbox
from llmo_messaging.configured import ConfiguredBus


@shared.once
def _bus() -> ConfiguredBus:
    settings = WatchSettings.model_validate({})
    return shared.parts.closing(ConfiguredBus(settings.bus()), ConfiguredBus.close)


@shared.once
def outbox() -> Outbox:
    """What announces events."""
    return Outbox(database=shared.database(), schema="billing", bus=_bus, clock=SystemClock(), new_id=new_id)


async def alert_watch() -> AlertWatch:
    """The use case of what is crossed."""
    return AlertWatch(
        crossings=PostgresCrossings(shared.database()),
        readings=await known_spending(),
        limits=prepaid_limits(outbox()),
        events=outbox(),
        clock=SystemClock(),
        new_id=new_id,
    )
