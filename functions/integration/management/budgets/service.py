"""What one can do with budgets."""

from collections.abc import Collection, Sequence
from uuid import UUID

from integration.budget_windows import counter, index, window_of
from integration.errors import UnknownOrganization
from integration.management.budgets.models import (
    Amounts,
    Budget,
    BudgetChanged,
    BudgetChanges,
    BudgetCreated,
    BudgetRemoved,
    CountersUnavailable,
    NewBudget,
    Spending,
    Standing,
    UnknownBudget,
)
from integration.management.budgets.ports import Counters, Place, Places
from integration.management.configuring import Configuring, Kind
from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_core.paging import Page

BUDGETS = Kind(
    model=Budget,
    unknown=UnknownBudget,
    created=BudgetCreated.of,
    changed=BudgetChanged.of,
    removed=BudgetRemoved.of,
    check=lambda _: None,
)


class BudgetService:
    """Sets up, shows, changes and removes budgets, and tells what is spent of them."""

    def __init__(self, *, budgets: Configuring[Budget], places: Places, counters: Counters, clock: Clock) -> None:
        self._budgets = budgets
        self._places = places
        self._counters = counters
        self._clock = clock

    async def page(self, principal: Principal, *, before: UUID | None, limit: int) -> Page[Standing]:
        """How budgets of the caller's organization stand, the newest first."""
        page = await self._budgets.page(principal, before=before, limit=limit)
        return Page(await self._standings(principal, page.data), page.last)

    async def find(self, principal: Principal, budget_id: UUID) -> Standing:
        """How a budget of the caller's organization stands. Raises UnknownBudget."""
        return await self._standing(principal, await self._budgets.find(principal, budget_id))

    async def create(self, principal: Principal, new: NewBudget) -> Standing:
        """Set up a budget. Not safe to retry: there are two then."""
        return await self._standing(principal, await self._budgets.create(principal, new))

    async def change(
        self, principal: Principal, budget_id: UUID, changes: BudgetChanges, *, expected: Collection[int] | None
    ) -> Standing:
        """Change a budget, if it has one of the expected versions. Raises UnknownBudget, ChangedMeanwhile."""
        changed = await self._budgets.change(principal, budget_id, changes, expected=expected)
        return await self._standing(principal, changed)

    async def remove(self, principal: Principal, budget_id: UUID) -> None:
        """Remove a budget. Raises UnknownBudget."""
        await self._budgets.remove(principal, budget_id)

    async def spending(self, principal: Principal, budget_id: UUID, *, first: int, limit: int) -> Spending:
        """What a budget's subjects have spent in the present window, from a position on.

        A subject is listed once a call of its has ended. Raises UnknownBudget, CountersUnavailable.
        """
        budget = await self._budgets.find(principal, budget_id)
        place = await self._place(principal)
        starts = self._starts(budget, place)
        if budget.only_subject is None:
            name = index(str(budget.id), starts)
            found = await self._counters.subjects(place.org_ref, name, first=first, limit=limit + 1)
        else:
            found = [budget.only_subject][first:]
        subjects = found[:limit]
        names = [_counter(budget, subject, starts) for subject in subjects]
        amounts = await self._counters.amounts(place.org_ref, names)
        following = first + limit if len(found) > limit else None
        return Spending(starts, [*zip(subjects, amounts, strict=True)], following)

    async def _standing(self, principal: Principal, budget: Budget) -> Standing:
        (standing,) = await self._standings(principal, [budget])
        return standing

    async def _standings(self, principal: Principal, budgets: Sequence[Budget]) -> Sequence[Standing]:
        if not budgets:
            return []
        place = await self._place(principal)
        starts = {budget.id: self._starts(budget, place) for budget in budgets}
        amounts = await self._amounts(place, budgets, starts)
        return [Standing(budget, starts[budget.id], amounts.get(budget.id)) for budget in budgets]

    async def _amounts(self, place: Place, budgets: Sequence[Budget], starts: dict[UUID, str]) -> dict[UUID, Amounts]:
        """What is spent of the budgets that have one subject; nothing when nobody knows."""
        names = {
            budget.id: _counter(budget, budget.only_subject, starts[budget.id])
            for budget in budgets
            if budget.only_subject is not None
        }
        try:
            amounts = await self._counters.amounts(place.org_ref, [*names.values()])
        except CountersUnavailable:
            return {}
        return dict(zip(names, amounts, strict=True))

    async def _place(self, principal: Principal) -> Place:
        place = await self._places.find(principal.org_id)
        if place is None:
            raise UnknownOrganization
        return place

    def _starts(self, budget: Budget, place: Place) -> str:
        starts, _ = window_of(budget.window, place.time_zone, self._clock.now())
        return starts


def _counter(budget: Budget, subject: str, starts: str) -> str:
    return counter(str(budget.id), budget.scope, subject, starts)
