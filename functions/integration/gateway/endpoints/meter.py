"""Watching an answer go by while it is passed on."""

from abc import ABC, abstractmethod
from typing import Final

from integration.gateway.metering import Usage
from llmo_core.errors import LlmoError
from llmo_core.money import dollars_text

EVENT_STREAM: Final = "text/event-stream"
EVENTS: Final = "text/event-stream; charset=utf-8"


class Meter(ABC):
    """Watches an answer that is passed on as it comes.

    Attributes:
        media_type: What the answer is.
        usage: What the provider reported, once it has.
        model: The model that the provider says it used.
        service_tier: The service tier that the provider says it used.
        finished: Whether the answer came to its end.
        failed: Whether the provider announced an error in it.
    """

    def __init__(self, media_type: str = EVENTS) -> None:
        self.media_type = media_type
        self.usage: Usage | None = None
        self.model: str | None = None
        self.service_tier: str | None = None
        self.finished = False
        self.failed = False
        self._seen: list[bytes] = []

    @property
    def received(self) -> bytes:
        """Everything that the provider sent."""
        return b"".join(self._seen)

    @property
    def whole(self) -> bool:
        """Whether the answer is complete and no error."""
        return self.finished and not self.failed

    @abstractmethod
    def feed(self, chunk: bytes) -> bytes:
        """Take what the provider sent and give what goes to the client, possibly nothing yet."""

    @abstractmethod
    def rest(self) -> bytes:
        """What is left when the provider has ended its stream; `finished` is final then."""

    @abstractmethod
    def closing(self, cost_pico: int) -> bytes:
        """The end of the answer, which the client gets once the call is settled."""

    @abstractmethod
    def broken(self, error: LlmoError) -> bytes:
        """What tells the client that the answer breaks off here; empty when only closing the connection does."""

    @property
    @abstractmethod
    def produced(self) -> str:
        """The text that was produced, for counting the tokens of an answer without usage."""


def cost_comment(cost_pico: int) -> bytes:
    """A comment, which every reader of server-sent events skips, that says what the call cost."""
    return b": x-llmo-cost-usd: " + dollars_text(cost_pico).encode() + b"\n\n"
