"""A call under way: what is held for it, how it ended, and the event and headers that say so."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from integration.gateway.call import Call
from integration.gateway.content_logging import ContentLogging
from integration.gateway.endpoints.form import Form
from integration.gateway.events import CacheState, CallStatus, GuardrailTriggered, UsageRecorded
from integration.gateway.guards import Guards
from integration.gateway.metering import NO_USAGE, Usage
from integration.gateway.models import Admission
from integration.gateway.planning import Plan, Target
from integration.gateway.sought import Embedded, Match
from integration.guarding.rules import Triggered
from llmo_auth.api_key import ApiKey
from llmo_core.money import dollars_text
from llmo_messaging.envelope import Envelope

_MS_PER_SECOND = 1_000
_FINGERPRINT = 16  # of 48: enough to tell calls apart, and no key of the cache


@dataclass(frozen=True, slots=True)
class Hold:
    """What is set aside for a call until it ends, and what the sweeper needs if nobody ends it.

    Attributes:
        target: Where the call probably goes.
        route: The name of its route, if it is for one.
        lives_until: When the sweeper takes it; None for as long as any call that somebody waits for.
    """

    request_id: str
    event_id: UUID
    amount_pico: int
    input_pico: int
    target: Target
    route: str | None
    started_at: datetime
    lives_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Flight:
    """A call under way.

    Attributes:
        targets: Where it may go.
        target: Where it went, or goes first.
        attempts: How often providers were asked.
        guards: The guardrails that its answer is looked at by; None of none.
        triggered: Those that found something so far.
        logging: How its contents are kept; None when they are not.
        embedder: What embeds its last message, where calls with the same meaning are looked for.
        embedding: Its vector, once that is asked for; None in it when there is none in time.
        match: The answered call that means the same.
    """

    key: ApiKey
    form: Form
    call: Call
    hold: Hold
    admission: Admission
    plan: Plan
    targets: tuple[Target, ...]
    target: Target
    started: float
    attempts: int = 0
    guards: Guards | None = None
    triggered: tuple[Triggered, ...] = ()
    logging: ContentLogging | None = None
    embedder: Target | None = None
    embedding: asyncio.Task[Embedded | None] | None = None
    match: Match | None = None

    @property
    def cache_match(self) -> str:
        """How the call is like an answered one; empty when it is like none."""
        return self.admission.match if self.match is None else self.match.kind

    async def embedded(self) -> Embedded | None:
        """The vector of its last message; None of a call that has none, or none in time."""
        return None if self.embedding is None else await self.embedding


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended."""

    status: CallStatus
    http_status: int
    usage: Usage = NO_USAGE
    model: str | None = None
    service_tier: str | None = None
    error_code: str | None = None
    first_byte: float | None = None


BLOCKED: Final = Outcome(CallStatus.BLOCKED, 400, error_code="content_filter")


def usage_event(
    flight: Flight,
    outcome: Outcome,
    cache: CacheState,
    *,
    cost_pico: int,
    embedding_pico: int,
    saved_pico: int,
    latency_ms: float,
) -> UsageRecorded:
    """The event that announces a call's end; the embedding's part of the cost is named besides."""
    key, call, usage = flight.admission.key, flight.call, outcome.usage
    target, route = flight.target, flight.plan.route
    asked = flight.attempts > 0
    return UsageRecorded(
        request_id=flight.hold.request_id,
        org_id=key.org_id,
        project_id=key.project_id,
        key_id=key.key_id,
        endpoint=call.endpoint,
        requested_model=call.model,
        model=outcome.model or target.upstream_model,
        provider=target.provider,
        connection=target.connection.name if asked and target.connection else None,
        route=route.name if route else None,
        variant=target.chosen_by.variant if asked and target.chosen_by else None,
        attempts=flight.attempts,
        status=outcome.status,
        http_status=outcome.http_status,
        error_code=outcome.error_code,
        stream=call.stream,
        cache=cache,
        prompt=call.prompt,
        output_tokens_per_second=None if cache is CacheState.HIT else _speed(flight, outcome, latency_ms),
        cache_match=flight.cache_match or None,
        cache_entry=flight.match.entry if flight.match else None,
        similarity=flight.match.similarity if flight.match else None,
        embedding_usd=dollars_text(embedding_pico) if flight.embedding is not None else None,
        input_tokens=usage.input_tokens,
        cached_input_tokens=usage.cached_input_tokens,
        output_tokens=usage.output_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        audio_input_tokens=usage.audio_input_tokens,
        audio_output_tokens=usage.audio_output_tokens,
        estimated=usage.estimated,
        cost_usd=dollars_text(cost_pico),
        saved_usd=dollars_text(saved_pico),
        price_version=target.prices.version,
        latency_ms=round(latency_ms, 3),
        ttft_ms=round((outcome.first_byte - flight.started) * 1000, 3) if outcome.first_byte else None,
        started_at=flight.hold.started_at,
        end_user=call.end_user,
        cache_write_tokens=usage.cache_write_tokens,
        image_input_tokens=usage.image_input_tokens,
        image_output_tokens=usage.image_output_tokens,
        characters=usage.characters,
        audio_seconds=usage.audio_ms / _MS_PER_SECOND,
        tags=dict(call.tags),
        optimizations=tuple([step.name for step in call.steps]),
        spared_input_tokens=0 if cache is CacheState.HIT else call.spared_input_tokens(usage.input_tokens),
        batch=call.batch,
        fingerprint=call.cache_digest[:_FINGERPRINT] or None,
        guardrails=tuple(
            [GuardrailTriggered(name=found.name, stage=found.stage, action=found.action) for found in flight.triggered]
        ),
    )


def _speed(flight: Flight, outcome: Outcome, latency_ms: float) -> float | None:
    """Output tokens per second; None when there were none, or all of them came at once."""
    waited_ms = (outcome.first_byte - flight.started) * _MS_PER_SECOND if outcome.first_byte else 0.0
    writing_ms = latency_ms - waited_ms
    tokens = outcome.usage.output_tokens
    return round(tokens * _MS_PER_SECOND / writing_ms, 3) if tokens and writing_ms >= 1 else None


def in_envelope(flight: Flight, event: UsageRecorded) -> Envelope:
    """The event in its envelope; its id was fixed when the call was admitted."""
    return Envelope.of(
        event,
        event_id=flight.hold.event_id,
        org_id=event.org_id,
        time=flight.hold.started_at,
        traceparent=flight.call.traceparent,
    )


def miss(flight: Flight) -> CacheState:
    """The cache state of a call that went to the provider."""
    return CacheState.MISS if flight.call.cache_digest else CacheState.OFF


def refused(outcome: Outcome) -> Outcome:
    """How a call ended whose answer a guardrail does not let pass: the provider is paid for it."""
    return replace(outcome, status=BLOCKED.status, http_status=BLOCKED.http_status, error_code=BLOCKED.error_code)


def spared(flight: Flight, outcome: Outcome) -> int:
    """Pico-dollars that a call probably cost less for what was done to it."""
    if outcome.status is not CallStatus.OK:
        return 0
    call, usage = flight.call, outcome.usage
    tier = flight.target.prices.tier(outcome.service_tier or call.service_tier)
    dearer = tier if call.instead_of is None else call.instead_of.tier(call.service_tier)
    substituted = max(dearer.cost(usage) - tier.cost(usage), 0)
    return call.spared_input_tokens(usage.input_tokens) * dearer.input.at(usage.input_tokens) + substituted
