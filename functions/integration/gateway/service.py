"""The gateway's use case: one call to a model, admitted, answered and settled."""

from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Final

from integration.gateway.calls import read_address, read_call, read_key
from integration.gateway.choosing import fitting
from integration.gateway.errors import (
    ConfigurationChanged,
    InvalidCall,
    ModelNotFound,
    ModelRetired,
    NoTargetFits,
)
from integration.gateway.flight import Flight, Hold, answer_headers
from integration.gateway.forwarding import Forwarding, done, json_answer, stream_answer
from integration.gateway.models import Answer, CachedAnswer, CacheState, Call, Endpoint, Usage
from integration.gateway.organization import Organization
from integration.gateway.planning import Plan, Planner, Target
from integration.gateway.ports import Admissions, Organizations
from integration.gateway.settling import Settler
from integration.gateway.usage import StreamMeter
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

    async def answer(self, endpoint: Endpoint, raw: bytes, *, headers: Mapping[str, str], request_id: str) -> Answer:
        """Answer one call; see the module's errors for the refusals.

        Every admitted call is settled and announced exactly once before its answer ends, however it ends.
        """
        started = self._timer()
        key = read_key(headers)
        if not self._organizations.knows(key.org_ref):  # strangers are not looked up
            await self._admissions.authenticate(key, read_address(headers))
        for _ in range(_READINGS):
            organization = await self._organizations.find(key.org_ref)
            plan = partial(self._planner.plan, organization)
            try:
                call = read_call(endpoint, raw, headers, plan)
            except (InvalidCall, ModelNotFound, ModelRetired):
                # Strangers learn nothing about their mistakes.
                await self._admissions.authenticate(key, read_address(headers))
                if await self._organizations.changed(key.org_ref):
                    continue
                raise
            try:
                flight = await self._admitted(key, call, plan(call.model), organization, started, request_id)
            except ConfigurationChanged:
                self._organizations.forget(key.org_ref)
                continue
            if flight.admission.cached is not None:
                return await self._replay(flight, flight.admission.cached)
            return await self._forwarding.forward(flight)
        raise ConfigurationChanged

    async def _admitted(
        self, key: ApiKey, call: Call, plan: Plan, organization: Organization, started: float, request_id: str
    ) -> Flight:
        """Hold the most that the call can cost at any target that takes it."""
        targets = fitting(plan, call)
        if not targets:
            await self._admissions.authenticate(key, call.address)
            raise NoTargetFits(call.model)
        most = partial(_most, call)
        hold = Hold(
            request_id=request_id,
            event_id=self._new_id(),
            amount_pico=max(map(most, targets)),
            input_pico=targets[0].prices.tier(call.service_tier).cost(Usage(call.input_tokens_estimate)),
            target=targets[0],
            route=plan.route.name if plan.route else None,
            started_at=self._clock.now(),
        )
        asked_for = [target.id for target in targets] if plan.route else ()
        admission = await self._admissions.admit(key, call, hold, organization=organization, targets=asked_for)
        return Flight(key, call, hold, admission, plan, targets[0], started)

    async def _replay(self, flight: Flight, cached: CachedAnswer) -> Answer:
        await self._settler.replayed(flight, cached)
        headers = answer_headers(flight, CacheState.HIT, cached.model, cost_pico=0, saved_pico=cached.cost_pico)
        if not flight.call.stream:
            return json_answer(headers, cached.body)
        meter = StreamMeter(usage_wanted=flight.call.usage_wanted)
        return stream_answer(headers, _one_chunk(meter.feed(cached.body) + meter.rest() + done(0)))


def _most(call: Call, target: Target) -> int:
    return target.prices.most(call.service_tier, call.input_tokens_bound, call.output_tokens_bound)


async def _one_chunk(chunk: bytes) -> AsyncIterator[bytes]:
    yield chunk
