"""The gateway's use case: one call to a model, admitted, answered and settled."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from integration.gateway.calls import read_address, read_call, read_key
from integration.gateway.choosing import fitting
from integration.gateway.endpoints.form import Form
from integration.gateway.endpoints.meter import EVENT_STREAM
from integration.gateway.errors import (
    CacheMiss,
    ConfigurationChanged,
    InvalidCall,
    ModelNotFound,
    ModelRetired,
    NoTargetFits,
    PromptNotFound,
)
from integration.gateway.events import CacheState
from integration.gateway.flight import Flight, Hold, answer_headers
from integration.gateway.forwarding import Forwarding, stream_answer, whole_answer
from integration.gateway.metering import Usage
from integration.gateway.models import Answer, CachedAnswer, Call, Deferred, Sharing, one_chunk
from integration.gateway.organization import NO_TERMS, Organization, Terms
from integration.gateway.planning import Plan, Planner, Target
from integration.gateway.ports import Admissions, Organizations
from integration.gateway.prompting import Prompting
from integration.gateway.settling import Settler
from llmo_auth.api_key import ApiKey
from llmo_core.clock import Clock
from llmo_core.ids import NewId

_READINGS: Final = 3


class Gateway:
    """Answers calls to models.

    Args:
        timer: Monotonic seconds, for latencies.
    """

    def __init__(
        self,
        *,
        admissions: Admissions,
        settler: Settler,
        forwarding: Forwarding,
        organizations: Organizations,
        planner: Planner,
        prompting: Prompting,
        clock: Clock,
        new_id: NewId,
        timer: Callable[[], float],
    ) -> None:
        self._admissions = admissions
        self._settler = settler
        self._forwarding = forwarding
        self._organizations = organizations
        self._planner = planner
        self._prompting = prompting
        self._clock = clock
        self._new_id = new_id
        self._timer = timer

    async def authenticate(self, headers: Mapping[str, str]) -> None:
        """Raise InvalidApiKey unless the Authorization header carries a valid key, or AddressNotAllowed."""
        await self._admissions.authenticate(read_key(headers), read_address(headers))

    async def organization(self, headers: Mapping[str, str]) -> Organization:
        """What the organization of a valid key has set up. Raises what `authenticate` raises."""
        await self.authenticate(headers)
        return await self._organizations.find(read_key(headers).org_ref)

    async def check(self, form: Form, raw: bytes, *, headers: Mapping[str, str]) -> Call:
        """The call in a request that is not made now. Raises what `answer` raises for one that cannot be read."""
        organization = await self.organization(headers)
        plan = partial(self._planner.plan, organization, form.units)
        key = read_key(headers)
        made = await self._prompting.made(form, raw, key.org_ref, organization)
        return read_call(
            form, made.raw, headers, plan, await self._terms(organization, key, headers), prompt=made.prompt
        )

    async def answer(
        self, form: Form, raw: bytes, *, headers: Mapping[str, str], request_id: str, deferred: Deferred | None = None
    ) -> Answer:
        """Answer one call; see the module's errors for the refusals.

        Every admitted call is settled and announced exactly once before its answer ends, however it ends.

        Args:
            form: The endpoint.
            raw: The body.
            headers: With names in lower case.
            request_id: Names the request in the log and in its usage event.
            deferred: Whose call it is when it comes from a batch.
        """
        started = self._timer()
        key = deferred.key if deferred else read_key(headers)
        if not self._organizations.knows(key.org_ref):  # strangers are not looked up
            await self._admissions.authenticate(key, read_address(headers))
        for _ in range(_READINGS):
            organization = await self._organizations.find(key.org_ref)
            plan = partial(self._planner.plan, organization, form.units)
            terms = await self._terms(organization, key, headers)
            try:
                made = await self._prompting.made(form, raw, key.org_ref, organization)
                call = read_call(form, made.raw, headers, plan, terms, prompt=made.prompt)
                planned = plan(call.routed_as)
                targets = _targets(planned, call)
            except (InvalidCall, ModelNotFound, ModelRetired, PromptNotFound, NoTargetFits, CacheMiss):
                # Strangers learn nothing about their mistakes.
                await self._admissions.authenticate(key, read_address(headers))
                if await self._organizations.changed(key.org_ref):
                    continue
                raise
            if deferred:
                call = replace(call, batch=deferred.batch)
            admitted = partial(
                self._admitted, key, form, call, planned, targets, organization, started=started, request_id=request_id
            )
            try:
                return await self._answered(await admitted(_sharing(call)), partial(admitted, Sharing.AGAIN))
            except ConfigurationChanged:
                self._organizations.forget(key.org_ref)
        raise ConfigurationChanged

    async def _terms(self, organization: Organization, key: ApiKey, headers: Mapping[str, str]) -> Terms:
        """What holds for the calls of a key."""
        if not organization.sets_terms:
            return NO_TERMS
        owner = await self._admissions.owner(key, read_address(headers))
        return organization.terms(owner.key_id, owner.project_id)

    async def _answered(self, flight: Flight, admitted_again: Callable[[], Awaitable[Flight]]) -> Answer:
        cached = flight.admission.cached
        if flight.admission.following:
            cached = await self._admissions.followed(flight.key, flight.call, flight.admission.key)
            if cached is None:
                flight = await admitted_again()
                cached = flight.admission.cached
        return await (self._forwarding.forward(flight) if cached is None else self._replay(flight, cached))

    async def _admitted(
        self,
        key: ApiKey,
        form: Form,
        call: Call,
        plan: Plan,
        targets: tuple[Target, ...],
        organization: Organization,
        sharing: Sharing,
        *,
        started: float,
        request_id: str,
    ) -> Flight:
        """Hold the most that the call can cost at any target that takes it."""
        most = partial(_most, call)
        hold = Hold(
            request_id=request_id,
            event_id=self._new_id(),
            amount_pico=max(map(most, targets)),
            input_pico=targets[0].prices.tier(call.service_tier).cost(_input(call)),
            target=targets[0],
            route=plan.route.name if plan.route else None,
            started_at=self._clock.now(),
        )
        asked_for = [target.id for target in targets] if plan.route else ()
        admission = await self._admissions.admit(
            key, call, hold, organization=organization, targets=asked_for, sharing=sharing
        )
        return Flight(key, form, call, hold, admission, plan, targets, targets[0], started)

    async def _replay(self, flight: Flight, cached: CachedAnswer) -> Answer:
        await self._settler.replayed(flight, cached)
        headers = answer_headers(flight, CacheState.HIT, cached.model, cost_pico=0, saved_pico=cached.cost_pico)
        if not cached.media_type.startswith(EVENT_STREAM):
            return whole_answer(headers, cached.body, cached.media_type)
        meter = flight.form.meter(flight.call, flight.target.prices.unit, cached.media_type)
        events = meter.feed(cached.body) + meter.rest() + meter.closing(0)
        return stream_answer(headers, one_chunk(events), meter)


def _targets(plan: Plan, call: Call) -> tuple[Target, ...]:
    """Where a call may go. Raises NoTargetFits, and CacheMiss when it wants a stored answer that nobody may store."""
    if call.cache.only and not call.cache.digest:
        raise CacheMiss
    targets = fitting(plan, call)
    if not targets:
        raise NoTargetFits(call.model)
    return targets


def _sharing(call: Call) -> Sharing:
    """Plain calls that the cache may answer share an answer under way; no stream waits for the end of another one."""
    shares = call.cache_digest and call.cache_read and not call.stream and not call.cache.only
    return Sharing.SHARE if shares else Sharing.ALONE


def _input(call: Call) -> Usage:
    """What a call has used when its provider has seen it, and no more is known."""
    return Usage(call.likely.input_tokens, characters=call.likely.characters, audio_ms=call.likely.audio_ms)


def _most(call: Call, target: Target) -> int:
    return target.prices.most(call.service_tier, call.most)
