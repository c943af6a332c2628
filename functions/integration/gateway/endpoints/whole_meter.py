"""Passing an answer on untouched, whatever it is: its usage is known when it has ended."""

from collections.abc import Callable

from integration.gateway.endpoints.meter import Meter
from integration.gateway.metering import Usage
from llmo_core.errors import LlmoError


class WholeMeter(Meter):
    """Passes every byte on; nothing can be added to such an answer, and only closing the connection tells of a fault.

    Args:
        media_type: What the provider says that it is.
        report: The usage that goes with the whole answer, given its bytes.
        text: The text in the answer.
    """

    def __init__(
        self, media_type: str, *, report: Callable[[bytes], Usage | None], text: Callable[[bytes], str]
    ) -> None:
        super().__init__(media_type)
        self._report = report
        self._text = text

    def feed(self, chunk: bytes) -> bytes:
        """Give what came."""
        self._seen.append(chunk)
        return chunk

    def rest(self) -> bytes:
        """Nothing: whatever came was passed on."""
        self.finished = True
        self.usage = self._report(self.received)
        return b""

    def closing(self, _cost_pico: int) -> bytes:
        """Nothing."""
        return b""

    def broken(self, _error: LlmoError) -> bytes:
        """Nothing."""
        return b""

    @property
    def produced(self) -> str:
        """The text in the answer."""
        return self._text(self.received)
