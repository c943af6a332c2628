"""Watching a stream of typed events, as every newer endpoint sends them: each says what it is, and one is the last."""

from collections.abc import Callable, Mapping
from typing import Final

import orjson

from integration.gateway.endpoints.meter import Meter, cost_comment
from integration.gateway.metering import Usage
from integration.gateway.server_sent_events import EventBuffer, data_of, object_of, objects, split
from integration.gateway.usage import Json, text_of
from llmo_core.errors import LlmoError

_ERROR: Final = "error"

type Report = Callable[[Json], Usage | None]


class EventMeter(Meter):
    """Watches a stream of typed events go by. What belongs to its end is withheld until the call is settled.

    Args:
        last: The types of the last event, and whether each is a failure.
        report: The usage in a last event.
        within: The member of an event that tells the model, the service tier and the usage; None for the event itself.
        answers: How many last events there are: one for each answer.
    """

    def __init__(
        self, last: Mapping[str, bool], report: Report, *, within: str | None = None, answers: int = 1
    ) -> None:
        super().__init__()
        self._last = {**last, _ERROR: True}
        self._marks = tuple(f'"{kind}"'.encode() for kind in self._last)
        self._report = report
        self._within = within
        self._missing = answers
        self._buffer = EventBuffer()
        self._withheld = b""

    def feed(self, chunk: bytes) -> bytes:
        """Take what the provider sent and give what goes to the client, possibly nothing yet."""
        self._seen.append(chunk)
        return self._passed(self._buffer.complete(chunk))

    def rest(self) -> bytes:
        """What is left when the provider has ended its stream without an empty line."""
        return self._passed(self._buffer.rest())

    def closing(self, cost_pico: int) -> bytes:
        """The cost, and the last event."""
        return cost_comment(cost_pico) + self._withheld

    def broken(self, error: LlmoError) -> bytes:
        """An error event: https://platform.openai.com/docs/api-reference/responses-streaming/error."""
        shape = {"message": error.detail, "type": "server_error", "param": None, "code": error.code}
        event = {"type": _ERROR, "code": error.code, "message": error.detail, "param": None, "error": shape}
        return b"event: error\ndata: " + orjson.dumps(event) + b"\n\n"

    @property
    def produced(self) -> str:
        """The text that the events brought, one piece after the other."""
        deltas = (body.get("delta") for body in objects(self.received))
        return "".join(delta for delta in deltas if isinstance(delta, str))

    def _passed(self, events: bytes) -> bytes:
        if not any(mark in events for mark in self._marks):
            return events
        passed = b""
        for event in split(events):
            body = object_of(data_of(event))
            failure = self._last.get(str(body.get("type")))
            if failure is None:
                passed += event
                continue
            passed += self._withheld
            self._withheld = event
            self._end(body, failure=failure)
        return passed

    def _end(self, body: Json, *, failure: bool) -> None:
        self._missing -= 1
        self.failed = self.failed or failure
        self.finished = failure or self._missing <= 0
        told = body.get(self._within) if self._within else body
        if not isinstance(told, dict):
            return
        self.model = text_of(told, "model") or self.model
        self.service_tier = text_of(told, "service_tier") or self.service_tier
        usage = self._report(told)
        if usage is not None:
            self.usage = usage if self.usage is None else self.usage + usage
