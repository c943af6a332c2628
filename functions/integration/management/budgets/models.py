"""Budgets and what is spent of them, and what can go wrong with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from integration.budget_windows import Scope, Window
from integration.management.models import Configured
from llmo_core.errors import NotFound, Unavailable
from llmo_core.model import Model
from llmo_core.money import Usd
from llmo_messaging.envelope import Event

MOST_ALERTS = 20


class Budget(Configured):
    """The most that may be spent in a window.

    Attributes:
        subject: Of which project, key or end user; None of each one by itself.
        limit_usd: US dollars.
        hard: Whether calls are refused that could exceed it; else it only alerts.
        alerts: Percentages at which it does.
    """

    scope: Scope
    subject: str | None
    window: Window
    limit_usd: Decimal
    hard: bool
    alerts: Sequence[int]

    @property
    def only_subject(self) -> str | None:
        """The one that is counted; None when each one is counted by itself."""
        return str(self.org_id) if self.scope is Scope.ORGANIZATION else self.subject


class NewBudget(Model):
    """What a budget is made of."""

    name: str
    scope: Scope
    subject: str | None
    window: Window
    limit_usd: Decimal
    hard: bool
    alerts: Sequence[int]


class BudgetChanges(Model):
    """What shall be another; what is not set stays."""

    name: str = ""
    limit_usd: Decimal = Decimal()
    hard: bool = True
    alerts: Sequence[int] = ()


class Amounts(Model):
    """What somebody has spent in a window, and what calls under way hold, in US dollars."""

    spent_usd: Decimal
    held_usd: Decimal


@dataclass(frozen=True, slots=True)
class Standing:
    """How a budget stands in the present window.

    Attributes:
        window_starts: The first day, as text; `total` for all time.
        amounts: None when each subject is counted by itself, or nobody knows now.
    """

    budget: Budget
    window_starts: str
    amounts: Amounts | None

    @property
    def id(self) -> UUID:
        """The budget's."""
        return self.budget.id


@dataclass(frozen=True, slots=True)
class Spending:
    """What some of a budget's subjects have spent in the present window, those first who spent the most.

    Attributes:
        following: The position of the next one; None at the end.
    """

    window_starts: str
    subjects: Sequence[tuple[str, Amounts]]
    following: int | None


class BudgetCreated(Event, name="llmo.integration.budget.created"):
    """The most that may be spent from now on."""

    budget_id: UUID
    name: str
    scope: Scope
    subject: str | None
    window: Window
    limit_usd: Usd
    hard: bool
    alerts: Sequence[int]
    created_by: UUID

    @classmethod
    def of(cls, budget: Budget) -> "BudgetCreated":
        """Tell of a budget."""
        return cls(budget_id=budget.id, **budget.model_dump(include=cls.model_fields.keys() - {"budget_id"}))


class BudgetChanged(Event, name="llmo.integration.budget.changed"):
    """A budget is another one; which fields are."""

    budget_id: UUID
    name: str
    version: int
    changed: Sequence[str]
    changed_by: UUID

    @classmethod
    def of(cls, budget: Budget, changed: Sequence[str], by: UUID) -> "BudgetChanged":
        """Tell of a budget's new version."""
        return cls(budget_id=budget.id, name=budget.name, version=budget.version, changed=changed, changed_by=by)


class BudgetRemoved(Event, name="llmo.integration.budget.removed"):
    """A budget that stops nobody any more."""

    budget_id: UUID
    name: str
    removed_by: UUID

    @classmethod
    def of(cls, budget: Budget, by: UUID) -> "BudgetRemoved":
        """Tell of a budget that is gone."""
        return cls(budget_id=budget.id, name=budget.name, removed_by=by)


class UnknownBudget(NotFound):
    """The organization has no budget with this id."""


class CountersUnavailable(Unavailable):
    """What is spent cannot be read at the moment."""
