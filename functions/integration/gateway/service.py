"""The gateway's use case: one call to a model, admitted, answered and settled."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
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
    ContentBlocked,
    InvalidCall,
    ModelNotFound,
    ModelRetired,
    NoTargetFits,
)
from integration.gateway.events import CacheState
from integration.gateway.flight import Flight, Hold, answer_headers
from integration.gateway.forwarding import Forwarding, one_chunk, stream_answer, whole_answer
from integration.gateway.guards import Guards, guards_of
from integration.gateway.looking import Looked, look_at_call
from integration.gateway.metering import Usage
from integration.gateway.models import Admission, Answer, CachedAnswer, Call, KeyRecord, Sharing
from integration.gateway.organization import Organization
from integration.gateway.planning import Plan, Planner, Target
from integration.gateway.ports import Admissions, Organizations
from integration.gateway.settling import Settler
from integration.guarding.rules import Triggered
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
        clock: Clock,
        new_id: NewId,
        timer: Callable[[], float],
    ) -> None:
        self._admissions = admissions
        self._settler = settler
        self._forwarding = forwarding
        self._organizations = organizations
        self._planner = planner
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

    async def answer(self, form: Form, raw: bytes, *, headers: Mapping[str, str], request_id: str) -> Answer:
        """Answer one call; see the module's errors for the refusals.

        Every admitted call is settled and announced exactly once before its answer ends, however it ends.
        """
        started = self._timer()
        key = read_key(headers)
        if not self._organizations.knows(key.org_ref):  # strangers are not looked up
            await self._admissions.authenticate(key, read_address(headers))
        for _ in range(_READINGS):
            organization = await self._organizations.find(key.org_ref)
            plan = partial(self._planner.plan, organization, form.units)
            owner = await self._owner(organization, key, headers)
            policy = organization.policy(owner.project_id) if owner and organization.policies else None
            guards = guards_of(organization, owner.project_id) if owner and organization.guardrails else None
            reading = partial(
                read_call,
                form,
                headers=headers,
                plan=plan,
                policy=policy,
                owner=str(owner.project_id) if owner else "",
                salt=guards.version if guards else "",
            )
            try:
                call = reading(raw)
                sent = await look_at_call(guards, form, raw, headers) if guards else Looked()
                if sent.raw is not None:
                    call = reading(sent.raw)
            except (InvalidCall, ModelNotFound, ModelRetired):
                # Strangers learn nothing about their mistakes.
                await self._admissions.authenticate(key, read_address(headers))
                if await self._organizations.changed(key.org_ref):
                    continue
                raise
            planned = plan(call.model)
            if owner and sent.blocked:
                await self._admissions.authenticate(key, read_address(headers))
                if await self._organizations.changed(key.org_ref):
                    continue
                hold = self._hold(planned.targets, planned, call, request_id)
                flight = Flight(key, form, call, hold, Admission(owner, None, None), planned, hold.target, started)
                await self._tell_of_block(replace(flight, triggered=sent.triggered))
                raise ContentBlocked(sent.blocked, what="this call", triggered=sent.triggered)
            admitted = partial(
                self._admitted,
                key,
                form,
                call,
                planned,
                organization,
                started=started,
                request_id=request_id,
                guards=guards,
                triggered=sent.triggered,
            )
            try:
                return await self._answered(await admitted(_sharing(call)), partial(admitted, Sharing.AGAIN))
            except ConfigurationChanged:
                self._organizations.forget(key.org_ref)
        raise ConfigurationChanged

    async def _owner(self, organization: Organization, key: ApiKey, headers: Mapping[str, str]) -> KeyRecord | None:
        """Whose a key is; None where nothing depends on it. Raises InvalidApiKey, AddressNotAllowed."""
        if not organization.policies and not organization.guardrails:
            return None
        return await self._admissions.owner(key, read_address(headers))

    async def _tell_of_block(self, flight: Flight) -> None:
        """Announce a call that is not made; it was not admitted, so the sweeper may not know of its organization."""
        await self._admissions.mark_active(flight.key, flight.call.address)
        await self._settler.uninterrupted(self._settler.blocked(flight))

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
        organization: Organization,
        sharing: Sharing,
        *,
        started: float,
        request_id: str,
        guards: Guards | None,
        triggered: tuple[Triggered, ...],
    ) -> Flight:
        """Hold the most that the call can cost at any target that takes it."""
        if call.cache.only and not call.cache.digest:
            await self._admissions.authenticate(key, call.address)
            raise CacheMiss
        targets = fitting(plan, call)
        if not targets:
            await self._admissions.authenticate(key, call.address)
            raise NoTargetFits(call.model)
        hold = self._hold(targets, plan, call, request_id)
        asked_for = [target.id for target in targets] if plan.route else ()
        admission = await self._admissions.admit(
            key, call, hold, organization=organization, targets=asked_for, sharing=sharing
        )
        flight = Flight(key, form, call, hold, admission, plan, targets[0], started)
        return replace(flight, guards=guards, triggered=triggered)

    def _hold(self, targets: Sequence[Target], plan: Plan, call: Call, request_id: str) -> Hold:
        """The most that a call can cost at any of these targets."""
        return Hold(
            request_id=request_id,
            event_id=self._new_id(),
            amount_pico=max(_most(call, target) for target in targets),
            input_pico=targets[0].prices.tier(call.service_tier).cost(_input(call)),
            target=targets[0],
            route=plan.route.name if plan.route else None,
            started_at=self._clock.now(),
        )

    async def _replay(self, flight: Flight, cached: CachedAnswer) -> Answer:
        await self._settler.replayed(flight, cached)
        headers = answer_headers(flight, CacheState.HIT, cached.model, cost_pico=0, saved_pico=cached.cost_pico)
        if not cached.media_type.startswith(EVENT_STREAM):
            return whole_answer(headers, cached.body, cached.media_type)
        meter = flight.form.meter(flight.call, flight.target.prices.unit, cached.media_type)
        events = meter.feed(cached.body) + meter.rest() + meter.closing(0)
        return stream_answer(headers, one_chunk(events), meter)


def _sharing(call: Call) -> Sharing:
    """Plain calls that the cache may answer share an answer under way; no stream waits for the end of another one."""
    shares = call.cache_digest and call.cache_read and not call.stream and not call.cache.only
    return Sharing.SHARE if shares else Sharing.ALONE


def _input(call: Call) -> Usage:
    """What a call has used when its provider has seen it, and no more is known."""
    return Usage(call.likely.input_tokens, characters=call.likely.characters, audio_ms=call.likely.audio_ms)


def _most(call: Call, target: Target) -> int:
    return target.prices.most(call.service_tier, call.most)
