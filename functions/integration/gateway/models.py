"""What the gateway talks about: calls, usage, admission, answers, and the event it publishes."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson

from llmo_messaging.envelope import Envelope, Event


class Endpoint(StrEnum):
    """The OpenAI endpoints that are metered; the value names them in usage events."""

    CHAT_COMPLETIONS = "chat.completions"
    EMBEDDINGS = "embeddings"

    @property
    def path(self) -> str:
        """The path below the provider's base URL."""
        return "/" + self.value.replace(".", "/")


class CacheState(StrEnum):
    """What the cache did for a call."""

    HIT = "hit"
    MISS = "miss"
    OFF = "off"


class CallStatus(StrEnum):
    """How a call ended.

    `aborted`: the client left a stream; what was produced until then is metered. `lost`: the gateway process died, and
    the sweeper recorded the call with its input only.
    """

    OK = "ok"
    ERROR = "error"
    ABORTED = "aborted"
    LOST = "lost"


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
class Usage:
    """Tokens of a call as OpenAI reports them.

    Cached and audio ones are part of the input, reasoning and audio ones of the output; no cached one counts as audio.
    """

    input_tokens: int
    cached_input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    estimated: bool = False


NO_USAGE = Usage(0)


@dataclass(frozen=True, slots=True)
class Call:
    """One validated call.

    Attributes:
        model: What the caller asked for: a model, or a route.
        body: What is sent to the provider that calls the model so.
        parsed: The same, read.
        cache_digest: Identifies equal calls; empty when the caller wants no cache at all.
        cache_read: Whether a stored answer may be used.
        address: Where it comes from, as `llmo_auth.networks` writes it.
        usage_wanted: Whether the caller of a stream asked for the usage chunk.
        input_tokens_estimate: Likely size of the input.
        tokens_estimate: Likely size of input and output, charged against tokens per minute until the call ends.
        input_tokens_bound: The input cannot be larger than this; the budget hold uses it.
        output_tokens_bound: The output cannot be larger than this.
        tools: Whether the model may call tools.
        vision: Whether there are images in it.
        region: Where the caller wants it answered; None for anywhere.
        text: The input's text, kept for counting tokens when the provider does not report them.
    """

    endpoint: Endpoint
    model: str
    stream: bool
    usage_wanted: bool
    body: bytes
    cache_digest: str
    cache_read: bool
    address: str
    input_tokens_estimate: int
    tokens_estimate: int
    input_tokens_bound: int
    output_tokens_bound: int
    service_tier: str
    end_user: str | None
    traceparent: str | None
    tools: bool
    vision: bool
    region: str | None
    parsed: Mapping[str, Any] = field(repr=False)
    text: bytes = field(repr=False)

    def body_for(self, model: str) -> bytes:
        """What is sent to a provider that calls the model so."""
        return self.body if model == self.model else orjson.dumps({**self.parsed, "model": model})


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


@dataclass(frozen=True, slots=True)
class Admission:
    """A call that may go on. With `cached` set nothing is held and nobody needs to be asked.

    Attributes:
        health: Of the targets that it may go to, by their ids.
    """

    key: KeyRecord
    requests: Limit | None
    tokens: Limit | None
    cached: CachedAnswer | None = None
    health: Mapping[str, Health] = field(default_factory=dict)


type Journaled = tuple[bytes, Envelope]
"""An entry of the journal: its id, and the event in it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the client. A stream's body must be iterated to its end or closed: that settles the call."""

    status: int
    headers: Mapping[str, str]
    body: bytes | AsyncIterator[bytes]


class UsageRecorded(Event, name="llmo.integration.usage.recorded"):
    """One call to an LLM, with what it used and what it cost.

    Costs are decimal text in US dollars. A cache hit carries the tokens of the answer it replays, costs 0, and saved
    what the provider would have charged. `estimated` means that the provider did not report the tokens.
    `requested_model` is what the caller asked for, `connection` the organization's own one that answered (None: the
    deployment's), and `attempts` how often providers were asked.
    """

    request_id: str
    org_id: UUID
    project_id: UUID
    key_id: UUID
    endpoint: Endpoint
    requested_model: str
    model: str
    provider: str
    connection: str | None
    route: str | None
    variant: str | None
    attempts: int
    status: CallStatus
    http_status: int
    error_code: str | None
    stream: bool
    cache: CacheState
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    reasoning_tokens: int
    audio_input_tokens: int
    audio_output_tokens: int
    estimated: bool
    cost_usd: str
    saved_usd: str
    price_version: str
    latency_ms: float
    ttft_ms: float | None
    started_at: datetime
    end_user: str | None


class BudgetThresholdReached(Event, name="llmo.integration.budget.threshold_reached"):
    """So many percent of a budget are spent.

    `budget_id` is the budget's id, or `key:<id>`, `project:<id>` or `organization:<id>` for the monthly budget of one.
    `subject` is the organization, project, key or end user that it is counted for, `window_starts` the first day of its
    window (`total` for all time, `2026-11` for a month of UTC). At 100 percent a hard budget refuses calls.
    """

    budget_id: str
    scope: str
    subject: str
    window: str
    window_starts: str
    percent: int
    spent_usd: str
    limit_usd: str
    hard: bool
