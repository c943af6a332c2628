"""Calls that a provider makes in a batch of its own: what it gets of them, and ending them when they come back."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from integration.gateway.call import CachePolicy
from integration.gateway.calls import read_call
from integration.gateway.deferral.holding import digest_of, hold_of, terms_of
from integration.gateway.deferral.models import Batch, Json, Line, Outcome, batch_name
from integration.gateway.deferral.outcomes import answered, refused
from integration.gateway.deferral.stored_targets import restored
from integration.gateway.endpoints.form import Form
from integration.gateway.endpoints.request import JSON
from integration.gateway.errors import ConfigurationChanged, ContentBlocked, UpstreamBroken
from integration.gateway.events import CallStatus
from integration.gateway.flight import Flight
from integration.gateway.flight import Outcome as Ended
from integration.gateway.flight import refused as refused_by_guardrail
from integration.gateway.guards import guards_of
from integration.gateway.looking import Looked, look_at_answer
from integration.gateway.models import Admission, KeyRecord
from integration.gateway.organization import NO_TERMS
from integration.gateway.planning import Plan
from integration.gateway.ports import Organizations
from integration.gateway.settling import OK, Settler
from integration.gateway.usage import text_of
from llmo_auth.api_key import ApiKey
from llmo_core.clock import Clock

_REFUSED: Final = "upstream_refused"
_ANSWER: Final = "the answer to this call"


class Returning:
    """Ends calls that were held.

    Args:
        timer: Monotonic seconds, for latencies.
    """

    def __init__(
        self,
        *,
        settler: Settler,
        organizations: Organizations,
        forms: Mapping[str, Form],
        clock: Clock,
        timer: Callable[[], float],
    ) -> None:
        self._settler = settler
        self._organizations = organizations
        self._forms = forms
        self._clock = clock
        self._timer = timer

    async def sent(self, batch: Batch, line: Line, key: ApiKey, target: Json) -> bytes:
        """What its provider gets of a line's call, as JSON.

        Raises ConfigurationChanged when the organization has since set up what makes another call of it: that one might
        cost more than is held, or be one that a guardrail has to look at.
        """
        flight, as_held = await self._flight(batch, line, key, target)
        if not as_held or flight.guards is not None:
            raise ConfigurationChanged
        return flight.call.body_for(flight.target.upstream_model)

    async def settle(self, batch: Batch, line: Line, key: ApiKey, target: Json, status: int, body: bytes) -> Outcome:
        """End a line's call, which its provider answered so; once, however often this is done."""
        flight, _ = await self._flight(batch, line, key, target)
        if status != OK:
            ended = Ended(CallStatus.ERROR, status, error_code=_REFUSED)
            await self._settler.settle(flight, ended)
            return answered(line, status, body)
        form, call = flight.form, flight.call
        try:
            answer = form.answer(body, call)
            looked = Looked() if flight.guards is None else await look_at_answer(flight.guards, form, body, JSON, call)
        except UpstreamBroken as broken:
            await self._settler.fail(flight, broken)
            return refused(line, broken)
        usage = form.usage(answer, call, flight.target.prices.unit)
        if usage is None:
            usage = await self._settler.estimate(flight, form.produced(answer))
        model = text_of(answer, "model") or flight.target.upstream_model
        ended, flight = Ended(CallStatus.OK, OK, usage, model), replace(flight, triggered=looked.triggered)
        if looked.blocked:
            cost = await self._settler.settle(flight, refused_by_guardrail(ended))
            return refused(line, ContentBlocked(looked.blocked, what=_ANSWER, triggered=looked.triggered), cost)
        body = body if looked.raw is None else looked.raw
        return answered(line, status, body, await self._settler.settle(flight, ended, body, JSON))

    async def fail(self, batch: Batch, line: Line, key: ApiKey, target: Json, why: str) -> Outcome:
        """End a line's call, of which its provider has made nothing: nothing is charged."""
        flight, _ = await self._flight(batch, line, key, target)
        broken = UpstreamBroken(why)
        await self._settler.fail(flight, broken)
        return refused(line, broken)

    async def _flight(self, batch: Batch, line: Line, key: ApiKey, target: Json) -> tuple[Flight, bool]:
        """The call, and whether it is read as it was when it was held.

        When it is not, for the organization has another policy by now, it is read without any, and neither are savings
        counted nor is its answer kept. Nor is that of a substitute: under the model's own name it would be taken for
        one of the model; nor one that guardrails look at, which its reading knew nothing of.
        """
        form = self._forms[batch.endpoint]
        organization = await self._organizations.find(key.org_ref)
        plans: list[Plan] = []

        def plan(name: str) -> Plan:
            plans.append(restored(target, organization, name))
            return plans[0]

        terms = terms_of(organization, batch)
        as_held = target.get("terms") == digest_of(terms)
        guards = guards_of(organization, batch.project_id) if organization.guardrails else None
        if not as_held:
            terms = NO_TERMS
        elif terms.policy is not None:
            terms = replace(terms, policy=replace(terms.policy, substitutes={}, semantic=None))
        call = read_call(form, line.body.encode(), batch.headers, plan, terms)
        call = replace(call, batch=batch_name(batch.id))
        if call.model != target["name"] or not as_held or guards is not None:
            call = replace(call, cache=CachePolicy(read=False))
        record = KeyRecord(batch.key_id, batch.org_id, batch.project_id)
        hold = hold_of(batch, line, call, plans[0], since=line.held_at or self._clock.now())
        waited = (self._clock.now() - hold.started_at).total_seconds()
        admission = Admission(record, None, None)
        (plan_held,) = plans
        targets = plan_held.targets
        began = self._timer() - waited
        flight = Flight(
            key,
            form,
            call,
            hold,
            admission,
            plan_held,
            targets,
            targets[0],
            began,
            attempts=1,
            guards=guards,
            logging=organization.content_logging.get(str(batch.project_id)),
        )
        return flight, as_held
