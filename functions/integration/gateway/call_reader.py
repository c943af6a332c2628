"""Reading a call by everything that its organization has set up: prompts, guardrails, policies and routes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Protocol

from integration.gateway.call import Call
from integration.gateway.calls import read_address, read_call
from integration.gateway.choosing import fitting
from integration.gateway.endpoints.form import Form
from integration.gateway.errors import CacheMiss, NoTargetFits
from integration.gateway.guards import Guards, guards_of
from integration.gateway.looking import Looked, look_at_call
from integration.gateway.metering import Size
from integration.gateway.models import KeyRecord
from integration.gateway.organization import NO_TERMS, Organization, Terms
from integration.gateway.planning import Plan, Planner, Target, embedder
from integration.gateway.prompting import Prompting
from llmo_auth.api_key import ApiKey

_MARKS: Final = 8  # tokens that a model may put around a text that it embeds


@dataclass(frozen=True, slots=True)
class Read:
    """A call that was read.

    Attributes:
        plan: Where it goes.
        targets: Those of the plan that take it.
        owner: Whose it is, where anything depended on that.
        guards: The guardrails that its answer is looked at by; None of none.
        looked: What guardrails found in the call itself.
        embedder: What embeds its last message; None where nobody looks for calls with the same meaning.
    """

    call: Call
    plan: Plan
    targets: tuple[Target, ...]
    owner: KeyRecord | None
    guards: Guards | None
    looked: Looked
    embedder: Target | None = None

    @property
    def most_pico(self) -> int:
        """The most that the call can cost at any target that takes it, with the embedding of its last message."""
        call, tier = self.call, self.call.service_tier
        most = max(target.prices.most(tier, call.most) for target in self.targets)
        if call.cache.sought is None or self.embedder is None:
            return most
        return most + self.embedder.prices.most(tier, Size(len(call.cache.sought.text.encode()) + _MARKS))


class Owners(Protocol):
    """Whose keys are."""

    async def owner(self, key: ApiKey, address: str) -> KeyRecord:
        """Whose a key is. Raises InvalidApiKey, AddressNotAllowed when nobody knows it here yet; StoreUnavailable."""
        ...


class CallReader:
    """Reads calls."""

    def __init__(self, *, owners: Owners, planner: Planner, prompting: Prompting) -> None:
        self._owners = owners
        self._planner = planner
        self._prompting = prompting

    async def read(
        self, form: Form, raw: bytes, headers: Mapping[str, str], key: ApiKey, organization: Organization
    ) -> Read:
        """The call in a request, as its prompt, its guardrails and its policy make it.

        Raises InvalidCall, ModelNotFound, ModelRetired, PromptNotFound; NoTargetFits; CacheMiss for one that wants a
        stored answer that nobody may store; and InvalidApiKey, AddressNotAllowed when it is not known yet whose it is.
        """
        owner = await self._owners.owner(key, read_address(headers)) if organization.sets_terms else None
        terms, guards = _terms(organization, owner)
        plan = partial(self._planner.plan, organization, form.units)
        made = await self._prompting.made(form, raw, key.org_ref, organization)
        call = read_call(form, made.raw, headers, plan, terms, prompt=made.prompt)
        looked = Looked() if guards is None else await look_at_call(guards, form, made.raw, headers)
        raw = looked.raw or made.raw
        if looked.raw is not None:
            call = read_call(form, raw, headers, plan, terms, prompt=made.prompt)
        if call.routed_as != call.model and not _takes(plan(call.routed_as), call):
            call = read_call(form, raw, headers, plan, _without_substitutes(terms), prompt=made.prompt)
        planned = plan(call.routed_as)
        targets = planned.targets if looked.blocked else _targets(planned, call)
        sought = call.cache.sought
        return Read(call, planned, targets, owner, guards, looked, embedder(plan, sought.model) if sought else None)


def _terms(organization: Organization, owner: KeyRecord | None) -> tuple[Terms, Guards | None]:
    """What holds for the calls of a key, and what looks at them. Answers that others looked at are other answers."""
    if owner is None:
        return NO_TERMS, None
    terms = organization.terms(owner.key_id, owner.project_id)
    guards = guards_of(organization, owner.project_id) if organization.guardrails else None
    return (terms if guards is None else replace(terms, cache_epoch=terms.cache_epoch + guards.version)), guards


def _takes(substitute: Plan, call: Call) -> bool:
    return bool(fitting(substitute, call)) and call.likely.input_tokens <= substitute.context_window


def _without_substitutes(terms: Terms) -> Terms:
    return terms if terms.policy is None else replace(terms, policy=replace(terms.policy, substitutes={}))


def _targets(plan: Plan, call: Call) -> tuple[Target, ...]:
    if call.cache.only and not call.cache.digest:
        raise CacheMiss
    targets = fitting(plan, call)
    if not targets:
        raise NoTargetFits(call.model)
    return targets
