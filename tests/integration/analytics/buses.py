"""Buses that tests look into."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from llmo_messaging.bus import PublishFailed
from llmo_messaging.envelope import Envelope


@dataclass
class RecordingBus:
    """Keeps what is published. Lacks delivery."""

    events: list[Envelope] = field(default_factory=list)

    async def publish(self, events: Sequence[Envelope]) -> None:
        self.events += events

    def of(self, kind: str) -> list[Envelope]:
        return [event for event in self.events if event.type.endswith(kind)]


class BrokenBus(RecordingBus):
    """A bus that takes nothing."""

    async def publish(self, events: Sequence[Envelope]) -> None:  # noqa: ARG002
        raise PublishFailed
