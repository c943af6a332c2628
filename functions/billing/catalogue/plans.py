"""What one can do with plans."""

from collections.abc import Collection
from uuid import UUID

from billing.catalogue.models import (
    NewPlan,
    Plan,
    PlanArchived,
    PlanCreated,
    PlanOffered,
    PlanVersionCreated,
    UnknownPlan,
    UnknownVersion,
    Version,
)
from billing.catalogue.ports import Meters, Plans
from billing.models import Operator, Viewer
from billing.pricing.metered import require_meters
from billing.pricing.plans import PlanVersion
from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_core.paging import Page
from llmo_data.ports import Events, Transaction


class PlanService:
    """Makes, offers, archives and shows plans and their versions."""

    def __init__(
        self,
        *,
        plans: Plans,
        meters: Meters,
        operator: Operator,
        events: Events,
        transaction: Transaction,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._plans = plans
        self._meters = meters
        self._operator = operator
        self._events = events
        self._transaction = transaction
        self._clock = clock
        self._new_id = new_id

    async def page(self, principal: Principal, *, before: UUID | None, limit: int) -> Page[Plan]:
        """The plans that one can subscribe to, the newest first; the operator sees drafts and archived ones besides."""
        viewer = self._operator.viewer(principal)
        found = await self._plans.page(viewer, before=before, limit=limit + 1)
        return Page.of([_shown(plan, viewer) for plan in found], limit)

    async def find(self, principal: Principal, plan_id: UUID) -> Plan:
        """A plan that is, or was, offered; to the operator drafts as well. Raises UnknownPlan."""
        viewer = self._operator.viewer(principal)
        found = await self._plans.find(viewer, plan_id)
        if found is None:
            raise UnknownPlan
        return _shown(found, viewer)

    async def versions(self, principal: Principal, plan_id: UUID, *, before: UUID | None, limit: int) -> Page[Version]:
        """A plan's versions, the newest first; the operator sees those of the draft besides. Raises UnknownPlan."""
        viewer = self._operator.viewer(principal)
        await self.find(principal, plan_id)
        found = await self._plans.versions(viewer, plan_id, before=before, limit=limit + 1)
        return Page.of([_version_shown(version, viewer) for version in found], limit)

    async def version(self, principal: Principal, plan_id: UUID, number: int) -> Version:
        """A plan's version. Raises UnknownPlan, UnknownVersion."""
        viewer = self._operator.viewer(principal)
        await self.find(principal, plan_id)
        found = await self._plans.version(viewer, plan_id, number)
        if found is None:
            raise UnknownVersion
        return _version_shown(found, viewer)

    async def create(self, principal: Principal, new: NewPlan) -> Plan:
        """Make a plan with its first version. Not safe to retry: its code is taken then.

        Raises NotTheOperator, CodeTaken, UnknownMeter, UnfittingMeter.
        """
        operator = self._operator.require(principal)
        plan_id = self._new_id()
        version = self._version_of(plan_id, 1, new.definition, principal)
        plan = Plan(
            id=plan_id,
            org_id=operator.org_id,
            code=new.code,
            name=new.name,
            description=new.description,
            version=version,
            offered_from=version.number if new.offered else None,
            created_by=principal.actor_id,
            created_at=version.created_at,
        )
        created = PlanCreated(
            plan_id=plan_id, code=plan.code, name=plan.name, offered=plan.offered, created_by=principal.actor_id
        )
        async with self._transaction(operator.org_id):
            await self._require_meters(operator, new.definition)
            await self._plans.add(plan)
            await self._events.announce(created, org_id=plan.org_id, aggregate_id=plan_id)
        return plan

    async def add_version(
        self, principal: Principal, plan_id: UUID, definition: PlanVersion, *, expected: Collection[int] | None
    ) -> Version:
        """Add the next version, if the plan has one of the expected revisions; what was before stays what it was.

        Numbers have no gaps, also when several are added at once. Not safe to retry: there would be two.
        Raises NotTheOperator, UnknownPlan, PlanIsArchived, ChangedMeanwhile, UnknownMeter, UnfittingMeter.
        """
        operator = self._operator.require(principal)
        async with self._transaction(operator.org_id):
            before = await self._locked(operator, plan_id, expected)
            before.require_changeable()
            await self._require_meters(operator, definition)
            version = self._version_of(plan_id, before.version.number + 1, definition, principal)
            await self._plans.add_version(version)
            await self._plans.change(before.having(version))
            created = PlanVersionCreated(
                plan_id=plan_id, code=before.code, number=version.number, created_by=principal.actor_id
            )
            await self._events.announce(created, org_id=operator.org_id, aggregate_id=plan_id)
        return version

    async def offer(self, principal: Principal, plan_id: UUID, *, expected: Collection[int] | None) -> Plan:
        """Offer a draft to everybody. Safe to retry: what is offered stays so, and nothing is announced again.

        Raises NotTheOperator, UnknownPlan, PlanIsArchived, ChangedMeanwhile.
        """
        operator = self._operator.require(principal)
        async with self._transaction(operator.org_id):
            before = await self._locked(operator, plan_id, expected)
            before.require_changeable()
            if before.offered:
                return before
            after = before.offering()
            await self._plans.change(after)
            offered = PlanOffered(
                plan_id=plan_id, code=after.code, number=after.version.number, offered_by=principal.actor_id
            )
            await self._events.announce(offered, org_id=operator.org_id, aggregate_id=plan_id)
        return after

    async def archive(self, principal: Principal, plan_id: UUID, *, expected: Collection[int] | None) -> Plan:
        """Let nobody subscribe to a plan any more, for good. Safe to retry: nothing is announced again.

        Raises NotTheOperator, UnknownPlan, ChangedMeanwhile.
        """
        operator = self._operator.require(principal)
        async with self._transaction(operator.org_id):
            before = await self._locked(operator, plan_id, expected)
            if before.archived_at is not None:
                return before
            after = before.archived(self._clock.now())
            await self._plans.change(after)
            archived = PlanArchived(plan_id=plan_id, code=after.code, archived_by=principal.actor_id)
            await self._events.announce(archived, org_id=operator.org_id, aggregate_id=plan_id)
        return after

    def _version_of(self, plan_id: UUID, number: int, definition: PlanVersion, principal: Principal) -> Version:
        return Version(
            id=self._new_id(),
            org_id=principal.org_id,
            plan_id=plan_id,
            number=number,
            definition=definition,
            created_by=principal.actor_id,
            created_at=self._clock.now(),
        )

    async def _locked(self, operator: Viewer, plan_id: UUID, expected: Collection[int] | None) -> Plan:
        found = await self._plans.locked(operator, plan_id)
        if found is None:
            raise UnknownPlan
        found.require_revision(expected)
        return found

    async def _require_meters(self, operator: Viewer, definition: PlanVersion) -> None:
        kept = await self._meters.named(operator, definition.meters)
        require_meters(definition, {code: meter.definition for code, meter in kept.items()})


def _shown(plan: Plan, viewer: Viewer) -> Plan:
    """What a viewer may know: who of the operator's people made it is nobody else's business."""
    if viewer.is_operator:
        return plan
    return plan.model_copy(update={"created_by": None, "version": _version_shown(plan.version, viewer)})


def _version_shown(version: Version, viewer: Viewer) -> Version:
    return version if viewer.is_operator else version.model_copy(update={"created_by": None})
