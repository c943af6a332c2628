"""Holding calls that a provider makes in a batch of its own.

Their hold lives as long as the batch may; all else is as for calls that somebody waits for.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol
from uuid import UUID

from integration.gateway.call import Call
from integration.gateway.calls import read_call
from integration.gateway.deferral.models import Batch, Line, Outcome, batch_name
from integration.gateway.deferral.outcomes import answered, request_name
from integration.gateway.deferral.weights import MOST_INPUTS_HANDED_OVER, inputs
from integration.gateway.endpoints.form import Form
from integration.gateway.errors import (
    BillingNotActive,
    ConfigurationChanged,
    InvalidCall,
    ModelNotFound,
    ModelRetired,
)
from integration.gateway.flight import Flight, Hold
from integration.gateway.guards import guards_of
from integration.gateway.metering import Usage
from integration.gateway.organization import NO_TERMS, Organization, Terms
from integration.gateway.planning import Plan, Planner
from integration.gateway.ports import Admissions, Organizations
from integration.gateway.prompting import names_prompt
from integration.gateway.settling import OK, Settler
from integration.provider_kinds import KINDS, BatchTerms, Kind
from llmo_auth.api_key import ApiKey
from llmo_core.clock import Clock

_OUTLIVES: Final = timedelta(hours=1)
"""So long after its window a hold belongs to the sweeper."""
_ORDINARY_TIERS: Final = frozenset(("auto", "default"))
_REFUSED: Final = "upstream_refused"
_ANSWER: Final = "the answer to this call"
_READINGS: Final = 3


@dataclass(frozen=True, slots=True)
class Held:
    """A line whose cost is set aside.

    Attributes:
        plan: With the one target whose provider makes the call, at the price of its batches.
        terms: The digest of what it was read by.
    """

    line: Line
    plan: Plan
    terms: str


class Holds(Protocol):
    """Releases holds."""

    async def cancel(self, org_ref: str, hold_id: UUID) -> None:
        """Release the hold of a call that was never made, if there is one."""
        ...


class Holding:
    """Holds.

    Args:
        timer: Monotonic seconds, for latencies.
    """

    def __init__(
        self,
        *,
        admissions: Admissions,
        holds: Holds,
        settler: Settler,
        organizations: Organizations,
        planner: Planner,
        forms: Mapping[str, Form],
        clock: Clock,
        timer: Callable[[], float],
    ) -> None:
        self._admissions = admissions
        self._holds = holds
        self._settler = settler
        self._organizations = organizations
        self._planner = planner
        self._forms = forms
        self._clock = clock
        self._timer = timer

    async def hold(self, batch: Batch, line: Line, key: ApiKey) -> Held | Outcome | None:
        """Set a line's cost aside, or find its answer in the cache; None when its provider takes no batches.

        Raises what the Gateway raises for the call.
        """
        for _ in range(_READINGS):
            organization = await self._organizations.find(key.org_ref)
            try:
                organization.require_active()
                return await self._held(batch, line, key, organization)
            except ConfigurationChanged:
                self._organizations.forget(key.org_ref)
            except (BillingNotActive, InvalidCall, ModelNotFound, ModelRetired):
                if not await self._organizations.changed(key.org_ref):
                    raise
        raise ConfigurationChanged

    async def _held(self, batch: Batch, line: Line, key: ApiKey, organization: Organization) -> Held | Outcome | None:
        form, raw = self._forms[batch.endpoint], line.body.encode()
        # What labels of prompts mean may change until the provider answers, and guardrails look at single calls.
        if inputs(line) > MOST_INPUTS_HANDED_OVER:  # its answer would be too long for a line of the provider's file
            return None
        if names_prompt(form, raw) or (organization.guardrails and guards_of(organization, batch.project_id)):
            return None
        plan = partial(self._planner.plan, organization, form.units)
        terms = terms_of(organization, batch)
        call = read_call(form, raw, batch.headers, plan, terms)
        cheaper = in_batches(plan(call.routed_as), batch.endpoint)
        if cheaper is None or call.service_tier not in _ORDINARY_TIERS or call.cache.only:
            return None
        call = replace(call, batch=batch_name(batch.id))
        (target,) = cheaper.targets
        await self._holds.cancel(key.org_ref, line.call_id)  # a worker that died may have held it
        hold = hold_of(batch, line, call, cheaper, since=line.held_at or self._clock.now())
        admission = await self._admissions.admit(key, call, hold, organization=_without_concurrency(organization))
        if admission.cached is None:
            return Held(line, cheaper, digest_of(terms))
        logging = organization.content_logging.get(str(batch.project_id))
        hold = replace(hold, event_id=_replayed(line))
        flight = Flight(
            key, form, call, hold, admission, cheaper, cheaper.targets, target, self._timer(), logging=logging
        )
        await self._settler.replayed(flight, admission.cached)
        return answered(line, OK, admission.cached.body)

    async def release(self, line: Line, key: ApiKey) -> None:
        """Free what is set aside for a line whose call is not made; safe to repeat, and for lines without a hold."""
        await self._holds.cancel(key.org_ref, line.call_id)


def hold_of(batch: Batch, line: Line, call: Call, plan: Plan, *, since: datetime) -> Hold:
    """The hold of a line's call, which lives as long as its batch may."""
    (target,) = plan.targets
    likely = call.likely
    seen = Usage(likely.input_tokens, characters=likely.characters, audio_ms=likely.audio_ms)
    return Hold(
        request_id=request_name(line),
        event_id=line.call_id,
        amount_pico=target.prices.most(call.service_tier, call.most),
        input_pico=target.prices.tier(None).cost(seen),
        target=target,
        route=None,
        started_at=since,
        lives_until=batch.expires_at + _OUTLIVES,
    )


def terms_of(organization: Organization, batch: Batch) -> Terms:
    """What holds for the calls of a batch."""
    return organization.terms(batch.key_id, batch.project_id) if organization.sets_terms else NO_TERMS


def digest_of(terms: Terms) -> str:
    """Another one for other terms."""
    return hashlib.blake2b(repr(terms).encode(), digest_size=16).hexdigest()


def _replayed(line: Line) -> UUID:
    """The id of the event of an answer from the cache: another one than that of a call that is made after all.

    A worker may die before the answer is kept; then the cache may have lost it by the next try.
    """
    return UUID(int=line.call_id.int ^ 1)


def _without_concurrency(organization: Organization) -> Organization:
    """A call that waits at its provider for hours takes nobody's place among those that are under way."""
    limits = tuple(replace(limit, concurrent_requests=None) for limit in organization.limits)
    return replace(organization, limits=limits)


def in_batches(plan: Plan, endpoint: str) -> Plan | None:
    """The plan with its target at the price of its provider's batches; None where that takes none for such calls.

    A route chooses for each call anew, and goes on when a provider fails: its calls are made one by one.
    """
    if plan.route is not None:
        return None
    (target,) = plan.targets
    terms: BatchTerms | None = KINDS[target.connection.kind if target.connection else Kind.OPENAI].batches
    if terms is None or endpoint not in terms.endpoints:
        return None
    return replace(plan, targets=(replace(target, prices=target.prices.in_batches(terms.percent)),))
