"""An organization's calls as somebody sees them who watches."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

from llmo_core.errors import Forbidden, Invalid, NotFound, TooManyRequests, Unavailable
from llmo_core.model import Model, OpenModel
from llmo_core.money import Usd

_POSITION: Final = re.compile(r"(\d{1,20})-(\d{1,20})")
type DollarsText = Annotated[str, Field(pattern=r"^\d{1,20}(\.\d{1,12})?$")]
_LARGEST: Final = 2**64 - 1  # both parts of an id: https://redis.io/docs/latest/develop/data-types/streams/


class OtherProject(Forbidden):
    """These credentials are for another project."""


class UnknownOrganization(NotFound):
    """The organization is closed."""


class MalformedEventId(Invalid):
    """`Last-Event-ID` is the id of an event of such a stream, as `1764220302000-0`."""


class TooManyWatchers(TooManyRequests):
    """As many watch this organization's calls as may at the same time."""


class LiveUnavailable(Unavailable):
    """The calls cannot be watched right now."""


class WatchedCall(OpenModel):
    """One call as it was settled: of `llmo.integration.usage.recorded` what a watcher sees.

    Neither prompts nor answers are in that event. Whose end user called is, and is left out: watching needs no names.
    Costs are decimal text in US dollars, times milliseconds.
    """

    request_id: str
    project_id: UUID
    key_id: UUID
    started_at: datetime
    endpoint: str
    requested_model: str
    model: str
    provider: str
    route: str | None = None
    variant: str | None = None
    status: str
    http_status: int
    error_code: str | None = None
    stream: bool
    cache: str
    input_tokens: int
    output_tokens: int
    cost_usd: DollarsText
    saved_usd: DollarsText
    latency_ms: float
    ttft_ms: float | None = None
    tags: Mapping[str, str] = Field(default_factory=dict)
    batch: str | None = None


class Summary(Model):
    """What was seen since the stream began."""

    requests: int = 0
    errors: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Usd = Decimal(0)
    saved_usd: Usd = Decimal(0)

    def plus(self, call: WatchedCall) -> "Summary":
        """With one more call. Calls that a provider failed, or that were lost, are errors."""
        return Summary(
            requests=self.requests + 1,
            errors=self.errors + (call.status in {"error", "lost"}),
            input_tokens=self.input_tokens + call.input_tokens,
            output_tokens=self.output_tokens + call.output_tokens,
            cost_usd=self.cost_usd + Decimal(call.cost_usd),
            saved_usd=self.saved_usd + Decimal(call.saved_usd),
        )


@dataclass(frozen=True, slots=True)
class Place:
    """What a watcher has while it watches.

    Attributes:
        actor_id: Whose credentials it has.
        id: Its own; behind those of earlier watchers.
    """

    actor_id: UUID
    id: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A call at its position in the stream; without the call where the entry cannot be read."""

    position: str
    call: WatchedCall | None


@dataclass(frozen=True, slots=True)
class Missed:
    """Calls right before this position may be gone, or were never shown."""

    position: str


@dataclass(frozen=True, slots=True)
class Beat:
    """Nothing happened: the connection is kept open."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Of what came after the watcher's last event, some may be gone."""


@dataclass(frozen=True, slots=True)
class Begun:
    """The stream is there: what comes after this position is told."""

    position: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The time of one stream is over: the watcher comes back."""


@dataclass(frozen=True, slots=True)
class Displaced:
    """Others have the watcher's place: it comes back later."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The stream breaks off: the watcher comes back later."""

    code: str
    detail: str


type Message = Begun | Seen | Summary | Beat | Gap | Ended | Displaced | Failed


def parse_position(text: str) -> str:
    """A position that a watcher has kept. Raises MalformedEventId."""
    found = _POSITION.fullmatch(text)
    if found is None or max(map(int, found.groups())) > _LARGEST:
        raise MalformedEventId
    return text
