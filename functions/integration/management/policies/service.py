"""What one can do with policies."""

from collections.abc import Collection
from uuid import UUID

from integration.management.models import ChangedMeanwhile
from integration.management.policies.models import (
    MOST_POLICIES,
    Policy,
    PolicyChanged,
    PolicyRemoved,
    Rules,
    TooManyPolicies,
    UnknownPolicy,
    Whose,
)
from integration.management.policies.ports import Policies
from integration.management.ports import Change
from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_core.paging import Page
from llmo_data.ports import Events


class PolicyService:
    """Sets, shows and removes policies."""

    def __init__(self, *, policies: Policies, events: Events, change: Change, clock: Clock) -> None:
        self._policies = policies
        self._events = events
        self._change = change
        self._clock = clock

    async def page(self, principal: Principal, *, after: UUID | None, limit: int) -> Page[Policy]:
        """Policies of the caller's organization: the default one, and then by the projects' and keys' ids."""
        return Page.of(await self._policies.page(principal.org_id, after=after, limit=limit + 1), limit)

    async def find(self, principal: Principal, whose: Whose) -> Policy:
        """A policy of the caller's organization. Raises UnknownPolicy."""
        found = await self._policies.find(principal.org_id, whose)
        if found is None:
            raise UnknownPolicy
        return found

    async def put(
        self, principal: Principal, whose: Whose, rules: Rules, *, expected: Collection[int] | None
    ) -> tuple[Policy, bool]:
        """Set a policy, if it has one of the expected versions; and whether there was none. Safe to repeat.

        Raises ChangedMeanwhile, also when a version is expected and there is no policy; TooManyPolicies.
        """
        org_id = principal.org_id
        async with self._change(org_id):
            before = await self._policies.find(org_id, whose)
            _require_version(before, expected)
            if before is not None and before.rules == rules:
                return before, False
            if before is None and await self._policies.count(org_id) >= MOST_POLICIES:
                raise TooManyPolicies
            policy = Policy(
                **rules.model_dump(),
                **whose.model_dump(),
                org_id=org_id,
                version=1 + await self._policies.last_version(org_id, whose),
                updated_by=principal.actor_id,
                updated_at=self._clock.now(),
            )
            await self._policies.put(policy)
            await self._events.announce(PolicyChanged.of(policy), org_id=org_id, aggregate_id=_aggregate(policy))
        return policy, before is None

    async def remove(self, principal: Principal, whose: Whose) -> None:
        """Remove a policy. Raises UnknownPolicy."""
        org_id = principal.org_id
        async with self._change(org_id):
            policy = await self.find(principal, whose)
            await self._policies.remove(policy, at=self._clock.now())
            removed = PolicyRemoved(**whose.model_dump(), removed_by=principal.actor_id)
            await self._events.announce(removed, org_id=org_id, aggregate_id=_aggregate(policy))


def _aggregate(policy: Policy) -> UUID:
    return policy.key_id or policy.project_id or policy.org_id


def _require_version(policy: Policy | None, expected: Collection[int] | None) -> None:
    if policy is not None:
        policy.require_version(expected)
    elif expected is not None:
        raise ChangedMeanwhile
