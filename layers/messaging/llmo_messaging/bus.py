"""The port through which services announce what happened."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from llmo_core.errors import Unavailable
from llmo_messaging.envelope import Envelope


class PublishFailed(Unavailable):
    """The bus did not take one or more events; publishing the same events again is safe."""


class EventBus(Protocol):
    """Takes events for delivery, at least once, to every interested consumer."""

    async def publish(self, events: Sequence[Envelope]) -> None:
        """Return when the bus has taken all events; raise PublishFailed when it has not."""
        ...


type Encode = Callable[[Envelope], Awaitable[str]]
"""Writes an event as the text of its message. Raises PublishFailed."""


async def plain(event: Envelope) -> str:
    """The event as JSON, however large: `llmo_messaging.claims` has the way for large ones."""
    return event.to_json()
