"""Bodies about limits."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from integration.budget_windows import Scope
from integration.management.fields import Count, ForSubjects
from integration.management.limits.models import Limit, LimitChanges, NewLimit
from llmo_core.fields import Name
from llmo_core.model import Model
from llmo_core.paging import Page, cursor_after

# Lua counts in doubles, of which this is the largest whole number (2^53 - 1).
type PerDay = Annotated[int, Field(gt=0, le=9_007_199_254_740_991)]

_PER_DAY = "It refills evenly: after a refusal, some tokens are free soon."
_CONCURRENT = "The most calls under way at once."


class CreateLimit(ForSubjects):
    """A new limit of at least one thing."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "Trial users", "scope": "end_user", "requests_per_minute": 5, "tokens_per_day": 20000}
            ]
        }
    )

    name: Name
    requests_per_minute: Count | None = None
    tokens_per_minute: Count | None = None
    tokens_per_day: PerDay | None = Field(None, description=_PER_DAY)
    concurrent_requests: Count | None = Field(None, description=_CONCURRENT)

    def wanted(self) -> NewLimit:
        """What is asked for."""
        return NewLimit.model_validate(self.model_dump())


class ChangeLimit(Model):
    """What shall be another; what is left out stays, and null is limited no more."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"requests_per_minute": 10, "tokens_per_day": None}]})

    name: Name = Field(default_factory=str)
    requests_per_minute: Count | None = None
    tokens_per_minute: Count | None = None
    tokens_per_day: PerDay | None = Field(None, description=_PER_DAY)
    concurrent_requests: Count | None = Field(None, description=_CONCURRENT)

    def wanted(self) -> LimitChanges:
        """What is asked for."""
        return LimitChanges.model_validate(self.model_dump(exclude_unset=True))


class LimitOut(Model):
    """A limit; what is null is not limited."""

    id: UUID
    name: str
    scope: Scope
    subject: str | None
    requests_per_minute: int | None
    tokens_per_minute: int | None
    tokens_per_day: int | None
    concurrent_requests: int | None
    version: int
    created_by: UUID
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, limit: Limit) -> Self:
        """Show a limit."""
        return cls(**limit.model_dump(exclude={"org_id"}))


class LimitPage(Model):
    """Some limits, the newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[LimitOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Limit]) -> Self:
        """Show a page."""
        return cls(data=[LimitOut.of(limit) for limit in page.data], next_cursor=cursor_after(page.last))
