"""The gateway's use case: one call to a model, admitted, answered and settled."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from integration.gateway.answer_headers import answer_headers
from integration.gateway.call import Call, Deferred
from integration.gateway.call_reader import CallReader, Read
from integration.gateway.calls import read_address, read_key
from integration.gateway.endpoints.form import Form
from integration.gateway.endpoints.meter import EVENT_STREAM
from integration.gateway.errors import (
    BillingNotActive,
    CacheMiss,
    ConfigurationChanged,
    ContentBlocked,
    InvalidCall,
    ModelNotFound,
    ModelRetired,
    NoCallsForLater,
    NoTargetFits,
    PromptNotFound,
)
from integration.gateway.events import CacheState
from integration.gateway.flight import Flight, Hold
from integration.gateway.forwarding import Forwarding, stream_answer, whole_answer
from integration.gateway.matching import Matching
from integration.gateway.metering import Usage
from integration.gateway.models import Admission, Answer, CachedAnswer, Sharing, one_chunk
from integration.gateway.organization import Organization
from integration.gateway.ports import Admissions, Following, Organizations
from integration.gateway.settling import Settler
from integration.standings import Standing
from llmo_auth.api_key import ApiKey
from llmo_core.clock import Clock
from llmo_core.ids import NewId

_READINGS: Final = 3
_OF_CALLS: Final = (InvalidCall, ModelNotFound, ModelRetired, PromptNotFound, NoTargetFits, CacheMiss)


class Gateway:
    """Answers calls to models.

    Args:
        timer: Monotonic seconds, for latencies.
    """

    def __init__(
        self,
        *,
        admissions: Admissions,
        following: Following,
        settler: Settler,
        forwarding: Forwarding,
        matching: Matching,
        organizations: Organizations,
        reader: CallReader,
        clock: Clock,
        new_id: NewId,
        timer: Callable[[], float],
    ) -> None:
        self._admissions = admissions
        self._following = following
        self._settler = settler
        self._forwarding = forwarding
        self._matching = matching
        self._organizations = organizations
        self._reader = reader
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

    async def require_calls_for_later(self, headers: Mapping[str, str]) -> None:
        """Raise BillingNotActive, or NoCallsForLater, when the organization of a valid key may make no such calls.

        It goes by what holds now: nothing else looks at it before such a call is taken.
        """
        await self._admissions.authenticate(read_key(headers), read_address(headers))
        await self._organizations.changed(read_key(headers).org_ref)
        organization = await self._organizations.find(read_key(headers).org_ref)
        organization.require_active()
        if organization.standing is not Standing.FULL:
            raise NoCallsForLater

    async def check(self, form: Form, raw: bytes, *, headers: Mapping[str, str], request_id: str) -> Call:
        """The call in a request that is not made now. Raises what `answer` raises for one that is refused unmade."""
        started, key = self._timer(), read_key(headers)
        await self.authenticate(headers)
        for _ in range(_READINGS):
            try:
                read, organization = await self._read(form, raw, headers, key)
                await self._require_passing(key, form, read, organization, started=started, request_id=request_id)
            except ConfigurationChanged:
                self._organizations.forget(key.org_ref)
            else:
                return read.call
        raise ConfigurationChanged

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
            try:
                read, organization = await self._read(form, raw, headers, key)
                if deferred:
                    read = replace(read, call=replace(read.call, batch=deferred.batch))
                await self._require_passing(key, form, read, organization, started=started, request_id=request_id)
                admitted = partial(
                    self._admitted, key, form, read, organization, started=started, request_id=request_id
                )
                return await self._answered(await admitted(_sharing(read.call)), partial(admitted, Sharing.AGAIN))
            except ConfigurationChanged:
                self._organizations.forget(key.org_ref)
        raise ConfigurationChanged

    async def _read(self, form: Form, raw: bytes, headers: Mapping[str, str], key: ApiKey) -> tuple[Read, Organization]:
        """The call in a request. Raises ConfigurationChanged where it cannot be read by a setup that is old by now."""
        organization = await self._organizations.find(key.org_ref)
        try:
            organization.require_active()
            return await self._reader.read(form, raw, headers, key, organization), organization
        except (BillingNotActive, *_OF_CALLS) as error:
            # Strangers learn nothing about their mistakes.
            await self._admissions.authenticate(key, read_address(headers))
            if await self._organizations.changed(key.org_ref):
                raise ConfigurationChanged from error
            raise

    async def _require_passing(
        self, key: ApiKey, form: Form, read: Read, organization: Organization, *, started: float, request_id: str
    ) -> None:
        """Raise ContentBlocked, and announce it, when a guardrail does not let the call pass."""
        blocked = read.looked.blocked
        if blocked is None:
            return
        await self._admissions.authenticate(key, read.call.address)
        if await self._organizations.changed(key.org_ref):
            raise ConfigurationChanged
        await self._tell_of_block(key, form, read, organization, started=started, request_id=request_id)
        raise ContentBlocked(blocked, what="this call", triggered=read.looked.triggered)

    async def _tell_of_block(
        self, key: ApiKey, form: Form, read: Read, organization: Organization, *, started: float, request_id: str
    ) -> None:
        """Announce a call that is not made; it was not admitted, so the sweeper may not know of its organization."""
        if read.owner is None:
            raise RuntimeError("guardrails looked at a call of nobody")
        hold = self._hold(read, request_id)
        admission = Admission(read.owner, None, None)
        flight = _flight(key, form, read, hold, admission, organization, started=started)
        await self._admissions.mark_active(key, read.call.address)
        await self._settler.uninterrupted(self._settler.blocked(flight))

    async def _answered(self, flight: Flight, admitted_again: Callable[[], Awaitable[Flight]]) -> Answer:
        cached = flight.admission.cached
        if flight.admission.following:
            cached = await self._following.answer(flight.key, flight.call, flight.admission.key)
            if cached is None:
                flight = await admitted_again()
                cached = flight.admission.cached
        if cached is None and flight.embedder is not None:
            flight, cached = await self._matched(flight)
        return await (self._forwarding.forward(flight) if cached is None else self._replay(flight, cached))

    async def _matched(self, flight: Flight) -> tuple[Flight, CachedAnswer | None]:
        """The call with the answered one that means the same, and that one's answer where it will do."""
        flight = self._matching.begun(flight)
        try:
            match, cached = await self._matching.found(flight)
        except BaseException:
            await self._settler.uninterrupted(self._settler.abort(flight, asking=False))
            raise
        return replace(flight, match=match), cached

    async def _admitted(
        self,
        key: ApiKey,
        form: Form,
        read: Read,
        organization: Organization,
        sharing: Sharing,
        *,
        started: float,
        request_id: str,
    ) -> Flight:
        hold = self._hold(read, request_id)
        asked_for = [target.id for target in read.targets] if read.plan.route else ()
        admission = await self._admissions.admit(
            key, read.call, hold, organization=organization, targets=asked_for, sharing=sharing
        )
        return _flight(key, form, read, hold, admission, organization, started=started)

    def _hold(self, read: Read, request_id: str) -> Hold:
        """What is set aside for a call."""
        call, target = read.call, read.targets[0]
        return Hold(
            request_id=request_id,
            event_id=self._new_id(),
            amount_pico=read.most_pico,
            input_pico=target.prices.tier(call.service_tier).cost(_input(call)),
            target=target,
            route=read.plan.route.name if read.plan.route else None,
            started_at=self._clock.now(),
        )

    async def _replay(self, flight: Flight, cached: CachedAnswer) -> Answer:
        replayed = self._settler.replayed(flight, cached)
        cost = await (replayed if flight.match is None else self._settler.uninterrupted(replayed))
        saved = max(cached.cost_pico - cost, 0)
        headers = answer_headers(flight, CacheState.HIT, cached.model, cost_pico=cost, saved_pico=saved)
        if not cached.media_type.startswith(EVENT_STREAM):
            return whole_answer(headers, cached.body, cached.media_type)
        meter = flight.form.meter(flight.call, flight.target.prices.unit, cached.media_type)
        events = meter.feed(cached.body) + meter.rest() + meter.closing(cost)
        return stream_answer(headers, one_chunk(events), meter)


def _flight(
    key: ApiKey, form: Form, read: Read, hold: Hold, admission: Admission, organization: Organization, *, started: float
) -> Flight:
    return Flight(
        key,
        form,
        read.call,
        hold,
        admission,
        read.plan,
        read.targets,
        hold.target,
        started,
        guards=read.guards,
        triggered=read.looked.triggered,
        logging=organization.content_logging.get(str(admission.key.project_id)),
        embedder=read.embedder,
    )


def _sharing(call: Call) -> Sharing:
    """Plain calls that the cache may answer share an answer under way; no stream waits for the end of another one."""
    shares = call.cache_digest and call.cache_read and not call.stream and not call.cache.only
    return Sharing.SHARE if shares else Sharing.ALONE


def _input(call: Call) -> Usage:
    """What a call has used when its provider has seen it, and no more is known."""
    return Usage(call.likely.input_tokens, characters=call.likely.characters, audio_ms=call.likely.audio_ms)
