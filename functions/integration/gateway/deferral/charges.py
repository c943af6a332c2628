"""What calls under way have been charged so far."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal

from integration.gateway.events import UsageRecorded
from llmo_core.money import to_pico


@dataclass(slots=True)
class Charged:
    """What one call has been charged so far, in pico-dollars."""

    pico: int = 0


class Charges:
    """Adds up what calls are charged, however they end: also when they are refused after their provider was paid."""

    def __init__(self) -> None:
        self._under_way: dict[str, Charged] = {}

    @contextmanager
    def of(self, request_id: str) -> Iterator[Charged]:
        """What the request of this name is charged while this lasts."""
        charged = self._under_way[request_id] = Charged()
        try:
            yield charged
        finally:
            del self._under_way[request_id]

    def note(self, event: UsageRecorded) -> None:
        """Add what a metered call cost to what its request was charged."""
        charged = self._under_way.get(event.request_id)
        if charged is not None:
            charged.pico += to_pico(Decimal(event.cost_usd))
