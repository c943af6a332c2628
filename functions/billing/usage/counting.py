"""Count events by meter and slot, as `billing.metering.folding` counts them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billing.metering.aggregates import Aggregate
from billing.metering.folding import UsageEvent, fold
from billing.usage.models import KeptEvent, MeterInUse
from billing.usage.slots import slot_of


@dataclass(frozen=True, slots=True)
class SlotCount:
    """What a meter counted in a slot."""

    meter_id: UUID
    slot: datetime
    aggregate: Aggregate


def counted(meters: Iterable[MeterInUse], events: Iterable[KeptEvent]) -> Sequence[SlotCount]:
    """What each meter counts of an organization's events, slot by slot; nothing where it counts nothing.

    Raises NotMeasurable.
    """
    together: dict[tuple[str, datetime], list[UsageEvent]] = defaultdict(list)
    for event in events:
        together[event.name, slot_of(event.occurred_at)].append(event.usage)
    counts = (
        SlotCount(meter.id, slot, fold(meter.definition, occurred))
        for meter in meters
        for (name, slot), occurred in together.items()
        if name == meter.definition.event
    )
    return [count for count in counts if count.aggregate.quantity]
