"""Replaying an organization's calls against a policy that it thinks of."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from integration.dry_runs.models import DryRun, PastCall
from integration.dry_runs.replay import ALIKE, Replay
from integration.gateway.endpoints.form import Form
from integration.gateway.errors import ModelNotFound, ModelRetired
from integration.gateway.organization import Organization, Policy
from integration.gateway.planning import Planner, Target
from integration.gateway.rates import TierPrices
from llmo_core.model import Model

MOST_CALLS: Final = 200_000


class Wanted(Model):
    """Which calls are replayed: those of a project or a key, or all, that began in [since, until)."""

    org_id: UUID
    project_id: UUID | None
    key_id: UUID | None
    since: datetime
    until: datetime


class History(Protocol):
    """Calls of the past."""

    def calls(self, wanted: Wanted, *, most: int) -> AsyncIterator[Sequence[PastCall]]:
        """At most so many of them, the oldest first, some at a time. Raises HistoryUnavailable."""
        ...


class Organizations(Protocol):
    """What organizations have set up."""

    async def find(self, org_id: UUID) -> Organization:
        """What one has set up now. Raises DatabaseUnavailable."""
        ...


class Planners(Protocol):
    """Finds where calls could go."""

    async def planner(self) -> Planner:
        """What finds them, at the prices of today. Raises DatabaseUnavailable."""
        ...


class DryRunService:
    """Replays calls."""

    def __init__(
        self, *, history: History, organizations: Organizations, planners: Planners, forms: Mapping[str, Form]
    ) -> None:
        self._history = history
        self._organizations = organizations
        self._planners = planners
        self._forms = forms

    async def run(self, wanted: Wanted, policy: Policy) -> DryRun:
        """What a policy would have made of calls. Raises HistoryUnavailable, DatabaseUnavailable."""
        organization, planner = await self._organizations.find(wanted.org_id), await self._planners.planner()
        known = _Known(organization, planner, self._forms)
        replay = Replay(policy, prices_of=known.prices_of, substitute=known.substitute)
        last, count = wanted.since, 0
        async for calls in self._history.calls(wanted, most=MOST_CALLS + 1):
            kept = calls[: MOST_CALLS - count]
            replay.add(kept)
            count += len(calls)
            last = kept[-1].started_at if kept else last
        whole = count <= MOST_CALLS
        done = [("compact", policy.compact), ("prompt_cache", policy.prompt_cache)]
        done += [(f"cache: {policy.cache}", policy.cache in ALIKE)]
        routes = sorted(set(policy.substitutes.values()) & organization.routes.keys())
        done += [(f"substitute_models: {name}", True) for name in routes]  # which target would answer nobody knows
        return DryRun(
            since=wanted.since,
            until=wanted.until if whole else last,
            whole=whole,
            replayed=replay.result(),
            not_estimated=[name for name, wants in done if wants],
        )


class _Known:
    """The prices of an organization's models, each looked up once."""

    def __init__(self, organization: Organization, planner: Planner, forms: Mapping[str, Form]) -> None:
        self._organization = organization
        self._planner = planner
        self._forms = forms
        self._prices: dict[tuple[object, ...], TierPrices | None] = {}
        self._targets: dict[tuple[str, str], Target | None] = {}

    def prices_of(self, call: PastCall) -> TierPrices | None:
        """What the model costs today that answered a call; None where nobody knows."""
        which = (call.endpoint, call.connection, call.model, call.requested_model)
        if which not in self._prices:
            self._prices[which] = self._answered(call)
        return self._prices[which]

    def substitute(self, call: PastCall, name: str) -> TierPrices | None:
        """What a model costs that would answer a call in place of another one; None where it takes no such call."""
        target = self._target(call.endpoint, name)
        if target is None or call.input_tokens > target.prices.context_window:
            return None
        return target.prices.tier(None)

    def _answered(self, call: PastCall) -> TierPrices | None:
        for name in self._names(call):
            target = self._target(call.endpoint, name)
            at = target.connection.name if target is not None and target.connection is not None else None
            if target is not None and at == call.connection:
                return target.prices.tier(None)
        return None

    def _names(self, call: PastCall) -> list[str]:
        """What the model that answered may be called by the organization: its own names come first."""
        if call.connection is None:
            return [call.model, call.requested_model]
        registered = [
            model.name
            for model in self._organization.models.values()
            if model.connection == call.connection and call.model.startswith(model.upstream_model)
        ]
        return [*sorted(registered, key=len, reverse=True), f"{call.connection}/{call.model}", call.requested_model]

    def _target(self, endpoint: str, name: str) -> Target | None:
        """The one target that a name stands for; None of a route, and of what there is not."""
        which = (endpoint, name)
        if which not in self._targets:
            self._targets[which] = self._planned(endpoint, name)
        return self._targets[which]

    def _planned(self, endpoint: str, name: str) -> Target | None:
        form = self._forms.get(endpoint)
        if form is None:
            return None
        try:
            plan = self._planner.plan(self._organization, form.units, name)
        except (ModelNotFound, ModelRetired):
            return None
        return plan.targets[0] if plan.route is None else None
