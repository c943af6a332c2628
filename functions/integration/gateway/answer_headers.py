"""What the headers of an answer say about the call."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

from integration.gateway.events import CacheState
from integration.gateway.flight import Flight
from integration.gateway.models import Admission
from integration.guarding.rules import Triggered
from llmo_core.money import dollars_text

_MS_PER_SECOND: Final = 1_000
_MS_PER_MINUTE: Final = 60_000


def answer_headers(
    flight: Flight, cache: CacheState, model: str, *, cost_pico: int | None = None, saved_pico: int | None = None
) -> dict[str, str]:
    """The `x-llmo-*` and `x-ratelimit-*` headers; a stream's cost is not known when its headers are sent."""
    headers = {"x-llmo-cache": cache.value, "x-llmo-model": model, **_matched(flight)}
    if flight.call.prompt:
        headers["x-llmo-prompt"] = flight.call.prompt
    if flight.plan.route is not None and cache is not CacheState.HIT:
        headers["x-llmo-target"] = flight.target.chosen_by.model if flight.target.chosen_by else ""
        headers["x-llmo-attempts"] = str(flight.attempts)
    if flight.plan.deprecated_at is not None and flight.plan.deprecated_at <= flight.hold.started_at.timestamp() * 1000:
        headers["deprecation"] = f"@{flight.plan.deprecated_at // 1000}"  # RFC 9745
        if flight.plan.retired_at is not None:
            headers["sunset"] = format_datetime(datetime.fromtimestamp(flight.plan.retired_at / 1000, UTC), usegmt=True)
    if flight.triggered:
        headers["x-llmo-guardrails"] = told(flight.triggered)
    if flight.call.explained:
        headers["x-llmo-explanation"] = _explanation(flight)
    if cost_pico is not None:
        headers["x-llmo-cost-usd"] = dollars_text(cost_pico)
    if saved_pico is not None:
        headers["x-llmo-saved-usd"] = dollars_text(saved_pico)
    return headers | _rate_limits(flight.admission)


def _matched(flight: Flight) -> dict[str, str]:
    """How the call is like an answered one, and which one, where that only means the same."""
    match = flight.match
    if match is None:
        return {"x-llmo-cache-match": flight.admission.match} if flight.admission.match else {}
    return {
        "x-llmo-cache-match": match.kind,
        "x-llmo-cache-similarity": f"{match.similarity:.3f}",
        "x-llmo-cache-entry": str(match.entry),
    }


def _rate_limits(admission: Admission) -> dict[str, str]:
    headers = {}
    for name, limit in (("requests", admission.requests), ("tokens", admission.tokens)):
        if limit is not None:
            headers[f"x-ratelimit-limit-{name}"] = str(limit.limit)
            headers[f"x-ratelimit-remaining-{name}"] = str(limit.remaining)
            headers[f"x-ratelimit-reset-{name}"] = duration(limit.reset_ms)
    return headers


def told(triggered: Iterable[Triggered]) -> str:
    """Guardrails as the header `x-llmo-guardrails` names them, each once for what it did."""
    return ",".join(dict.fromkeys(f"{found.name}={found.action}" for found in triggered))


def _explanation(flight: Flight) -> str:
    """What was done to a call and why, as JSON in ASCII."""
    steps = [{"step": step.name, "why": step.reason, "input_tokens": step.input_tokens} for step in flight.call.steps]
    route = flight.plan.route
    chosen = {"route": route.name, "strategy": route.strategy} if route else {}
    return json.dumps({**chosen, "model": flight.target.upstream_model, "steps": steps})


def duration(milliseconds: int) -> str:
    """A time as OpenAI writes it in these headers: `120ms`, `1.5s`, `6m0s`."""
    if milliseconds < _MS_PER_SECOND:
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, _MS_PER_MINUTE)
    seconds = f"{rest / _MS_PER_SECOND:.3f}".rstrip("0").rstrip(".")
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"
