"""The events that the gateway publishes: what a call used and cost, and how far a budget is spent."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import Field

from integration.gateway.call import Endpoint
from llmo_core.model import Model
from llmo_messaging.envelope import Event


class CacheState(StrEnum):
    """What the cache did for a call."""

    HIT = "hit"
    MISS = "miss"
    OFF = "off"


class CallStatus(StrEnum):
    """How a call ended.

    `aborted`: the client left a stream; what was produced until then is metered. `lost`: the gateway process died, and
    the sweeper recorded the call with its input only. `blocked`: a guardrail ended it, before it was made or when its
    answer was known.
    """

    OK = "ok"
    ERROR = "error"
    ABORTED = "aborted"
    LOST = "lost"
    BLOCKED = "blocked"


class GuardrailTriggered(Model):
    """A guardrail that found something in what was sent (`input`) or answered (`output`), and what it did."""

    name: str
    stage: str
    action: str


class UsageRecorded(Event, name="llmo.integration.usage.recorded"):
    """One call to an LLM, with what it used and what it cost.

    Costs are decimal text in US dollars. A cache hit carries the tokens of the answer it replays, costs 0, or what
    comparing its meaning did, and saved the rest of what the provider would have charged. `estimated` means that the
    provider did not report the tokens.
    `audio_seconds` is how much audio was listened to, `characters` how many were read aloud.
    `output_tokens_per_second` is how fast the provider wrote: after the first byte of a stream, or over a plain answer.
    `fingerprint` is the same for equal calls, of whatever project; None for a call that the cache has
    nothing to do with. It tells nothing of what they say.
    `prompt` is what the call was made from, as `name@version`.
    `cache_match` says of a hit whether its call equals the answered one (`exact`), only has the same form (`form`) or
    only means the same (`semantic`), and of a miss that an answered one means the same (`shadow`). `cache_entry` names
    that one's entry, `similarity` is the cosine of both. `embedding_usd` is what it cost to embed the call's message,
    and is part of `cost_usd`; None when that was not done.
    `optimizations` name what was done to make the call cheaper; what that saved is an estimate, of the
    `spared_input_tokens` at the price of the others.
    `requested_model` is what the caller asked for, `connection` the organization's own one that answered (None: the
    deployment's, or nobody), `attempts` how often providers were asked (0 for an answer from the cache), and `batch`
    the batch that the call is a line of.
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
    cache_write_tokens: int = 0
    image_input_tokens: int = 0
    image_output_tokens: int = 0
    characters: int = 0
    audio_seconds: float = 0.0
    tags: dict[str, str] = Field(default_factory=dict)
    optimizations: tuple[str, ...] = ()
    spared_input_tokens: int = 0
    cache_match: str | None = None
    cache_entry: UUID | None = None
    similarity: float | None = None
    embedding_usd: str | None = None
    prompt: str | None = None
    output_tokens_per_second: float | None = None
    batch: str | None = None
    guardrails: tuple[GuardrailTriggered, ...] = ()
    fingerprint: str | None = None


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
