"""Bodies about budgets."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field

from integration.budget_windows import Scope, Window
from integration.management.budgets.models import MOST_ALERTS, BudgetChanges, NewBudget, Spending, Standing
from integration.management.fields import ForSubjects
from llmo_core.fields import Budget, Flag, Name
from llmo_core.model import Model
from llmo_core.money import Usd
from llmo_core.paging import Page, cursor_after, cursor_at


def _rising(given: Sequence[int]) -> list[int]:
    """Each once, the smallest first."""
    return sorted({*given})


type Percent = Annotated[int, Field(ge=1, le=100)]
type Alerts = Annotated[list[Percent], Field(max_length=MOST_ALERTS), AfterValidator(_rising)]

_WINDOW = "Days, weeks from Monday on, and months, as they begin in the time zone of `settings`; or all time."
_LIMIT = "US dollars, as decimal text."
_HARD = "Whether calls are refused that could exceed it (429 `insufficient_quota`); else it only alerts."
_ALERTS = "Percentages at which `llmo.integration.budget.threshold_reached` is announced, each once in a window."


class CreateBudget(ForSubjects):
    """A new budget."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "Trial users", "scope": "end_user", "window": "day", "limit_usd": "0.50"},
                {"name": "Everything", "scope": "organization", "window": "month", "limit_usd": "1000", "hard": False},
            ]
        }
    )

    name: Name
    window: Window = Field(description=_WINDOW)
    limit_usd: Budget = Field(description=_LIMIT)
    hard: Flag = Field(default=True, description=_HARD)
    alerts: Alerts = Field([50, 80, 95, 100], description=_ALERTS)

    def wanted(self) -> NewBudget:
        """What is asked for."""
        return NewBudget.model_validate(self.model_dump())


class ChangeBudget(Model):
    """What shall be another; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"limit_usd": "2000", "alerts": [80, 100]}]})

    name: Name = Field(default_factory=str)
    limit_usd: Budget = Field(default_factory=Decimal, description=_LIMIT)
    hard: Flag = Field(default_factory=bool, description=_HARD)
    alerts: Alerts = Field(default_factory=list, description=_ALERTS)

    def wanted(self) -> BudgetChanges:
        """What is asked for."""
        return BudgetChanges.model_validate(self.model_dump(exclude_unset=True))


class BudgetOut(Model):
    """A budget, and how it stands in the present window.

    `spent_usd` and `held_usd`, what calls under way could still cost, are null when each subject is counted by itself
    (`/spending` lists them), and while the counters cannot be read.
    """

    id: UUID
    name: str
    scope: Scope
    subject: str | None
    window: Window
    limit_usd: Usd
    hard: bool
    alerts: Sequence[int]
    window_starts: str = Field(description="The first day of the present window; `total` for all time.")
    spent_usd: Usd | None
    held_usd: Usd | None
    version: int
    created_by: UUID
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, standing: Standing) -> Self:
        """Show a budget."""
        amounts = standing.amounts
        return cls(
            **standing.budget.model_dump(exclude={"org_id"}),
            window_starts=standing.window_starts,
            spent_usd=amounts and amounts.spent_usd,
            held_usd=amounts and amounts.held_usd,
        )


class BudgetPage(Model):
    """Some budgets, the newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[BudgetOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Standing]) -> Self:
        """Show a page."""
        return cls(data=[BudgetOut.of(standing) for standing in page.data], next_cursor=cursor_after(page.last))


class SubjectSpendingOut(Model):
    """What a subject has spent in the present window, and what its calls under way could still cost."""

    subject: str
    spent_usd: Usd
    held_usd: Usd


class SpendingPage(Model):
    """What some subjects have spent, those first who spent the most.

    `next_cursor` asks for the following ones; null at the end. Whoever spends meanwhile may move from one page to
    another.
    """

    data: list[SubjectSpendingOut]
    window_starts: str = Field(description="The first day of the present window; `total` for all time.")
    next_cursor: str | None

    @classmethod
    def of(cls, spending: Spending) -> Self:
        """Show what was spent."""
        data = [SubjectSpendingOut(subject=subject, **amounts.model_dump()) for subject, amounts in spending.subjects]
        return cls(data=data, window_starts=spending.window_starts, next_cursor=cursor_at(spending.following))
