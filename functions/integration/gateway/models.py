"""What the gateway talks about: keys, admission, answers."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from integration.gateway.metering import Usage
from llmo_messaging.envelope import Envelope


class Ending(StrEnum):
    """What a call tells of its target: that it works, that it does not, or nothing because the caller left."""

    OK = "ok"
    FAILED = "failed"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a provider, in seconds: until its answer begins, and between two pieces of it."""

    first_byte: float
    between_chunks: float


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What an API key may do, as the admission store keeps it."""

    key_id: UUID
    org_id: UUID
    project_id: UUID


@dataclass(frozen=True, slots=True)
class Limit:
    """The state of one rate limit: how much is allowed per minute, what is left, and when it is full again."""

    limit: int
    remaining: int
    reset_ms: int


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """An answer as it was stored: the provider's bytes, its model, its usage, and what it cost then (pico-dollars)."""

    body: bytes
    media_type: str
    model: str
    usage: Usage
    cost_pico: int


@dataclass(frozen=True, slots=True)
class Health:
    """What is known of a target, from everybody's calls.

    Attributes:
        open_until: Until when it gets no calls, ms since 1970; 0 for one that works.
        failures: In a row.
        latency_ms: Until the first byte, averaged; None before the first call.
        busy: Calls under way.
    """

    open_until: int = 0
    failures: int = 0
    latency_ms: float | None = None
    busy: int = 0


class Sharing(StrEnum):
    """What becomes of a call while an equal one is under way."""

    ALONE = ""
    SHARE = "share"
    AGAIN = "again"
    """Alone, after having waited for another one in vain: it is counted already."""


@dataclass(frozen=True, slots=True)
class Admission:
    """A call that may go on. With `cached` set nothing is held and nobody needs to be asked.

    Attributes:
        match: How the call is like the one that was answered: `exact` or `form`; empty without an answer.
        following: Whether an equal call is under way, whose answer will do; nothing is held then either.
        health: Of the targets that it may go to, by their ids.
        bucket: Answered calls that it may mean the same as; see integration.gateway.similarity.
    """

    key: KeyRecord
    requests: Limit | None
    tokens: Limit | None
    cached: CachedAnswer | None = None
    match: str = ""
    following: bool = False
    health: Mapping[str, Health] = field(default_factory=dict)
    bucket: bytes = b""


@dataclass(frozen=True, slots=True)
class PromptVersion:
    """What a prompt says: messages with `{{ names }}` in them, and fields of calls that say nothing else."""

    messages: Sequence[Mapping[str, Any]]
    defaults: Mapping[str, Any]


type Journaled = tuple[bytes, Envelope]
"""An entry of the journal: its id, and the event in it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the client. A stream's body must be iterated to its end or closed: that settles the call.

    Attributes:
        whole: Whether a stream that has been iterated to its end was complete.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes | AsyncIterator[bytes]
    whole: Callable[[], bool] = lambda: True


async def one_chunk(chunk: bytes) -> AsyncIterator[bytes]:
    """A stream that is known as a whole."""
    yield chunk
