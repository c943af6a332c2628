"""Bodies about routes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from integration.choices import Sticky, Strategy
from integration.management.fields import Label, ModelName, Region
from integration.management.routes.models import (
    MOST_TARGETS,
    Conditions,
    NewRoute,
    Route,
    RouteChanges,
    Target,
)
from llmo_core.model import Model
from llmo_core.paging import Page, cursor_after

_LONGEST_MS = 870_000  # half a minute less than API Gateway streams for

type Attempts = Annotated[int, Field(ge=1, le=10)]
type Milliseconds = Annotated[int, Field(ge=1, le=_LONGEST_MS)]
type Tokens = Annotated[int, Field(ge=0, le=2_147_483_647)]
type TargetId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}$")]

_MODEL = (
    "The name of a model of the registry; `<provider>/<model>` for any model of a provider; or the name of a model of "
    "the deployment's own provider."
)
_TARGETS = "In the order in which `priority` tries them."
_STICKY = "Whom a weighted choice is made for once."
_ATTEMPTS = "The most attempts, over all targets."
_DEADLINE = (
    "Until the answer begins, over all attempts. One that is not streamed begins when it is complete: that takes a "
    "reasoning model minutes."
)
_FIRST_BYTE = "Of streams only: until one attempt's answer begins; the next attempt is made then."
_BETWEEN = "The longest wait within an answer."


class ConditionsIn(Model):
    """When a target may be chosen; what is left out may be anything."""

    min_input_tokens: Tokens | None = None
    max_input_tokens: Tokens | None = None
    tools: bool | None = Field(None, description="Whether the call has tools.")
    vision: bool | None = Field(None, description="Whether it has images.")
    stream: bool | None = Field(None, description="Whether its answer is streamed.")
    region: Region | None = Field(None, description="Where the call says that it must be computed.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        least, most = self.min_input_tokens, self.max_input_tokens
        if least is not None and most is not None and least > most:
            raise ValueError("min_input_tokens is larger than max_input_tokens")
        return self


class TargetIn(Model):
    """A model that the route may choose."""

    id: TargetId | None = Field(None, description="Of a target that the route has already; a new one gets its own.")
    model: ModelName = Field(description=_MODEL)
    weight: Annotated[int, Field(ge=1, le=1000)] = 1
    variant: Label | None = Field(None, description="Names it in experiments.")
    conditions: ConditionsIn = ConditionsIn()


type Targets = Annotated[list[TargetIn], Field(min_length=1, max_length=MOST_TARGETS)]


class CreateRoute(Model):
    """A new route."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "chat",
                    "strategy": "priority",
                    "targets": [
                        {"model": "gpt-4o-mini"},
                        {"model": "anthropic/claude-haiku-4-5", "conditions": {"max_input_tokens": 150000}},
                    ],
                }
            ]
        }
    )

    name: ModelName = Field(description="What callers send as `model`; no model of the organization has it.")
    strategy: Strategy = Strategy.PRIORITY
    targets: Targets = Field(description=_TARGETS)
    sticky: Sticky = Field(Sticky.NONE, description=_STICKY)
    attempts: Attempts = Field(3, description=_ATTEMPTS)
    deadline_ms: Milliseconds = Field(600_000, description=_DEADLINE)
    first_byte_ms: Milliseconds = Field(60_000, description=_FIRST_BYTE)
    between_chunks_ms: Milliseconds = Field(60_000, description=_BETWEEN)

    def wanted(self) -> NewRoute:
        """What is asked for."""
        return NewRoute.model_validate(self.model_dump())


class ChangeRoute(Model):
    """What shall be another; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"strategy": "weighted", "sticky": "key"}]})

    name: ModelName = Field(default_factory=str)
    strategy: Strategy = Field(default_factory=lambda: Strategy.PRIORITY)
    targets: Targets = Field(default_factory=list, description=f"{_TARGETS} They replace all that there were.")
    sticky: Sticky = Field(default_factory=lambda: Sticky.NONE, description=_STICKY)
    attempts: Attempts = Field(default_factory=int, description=_ATTEMPTS)
    deadline_ms: Milliseconds = Field(default_factory=int, description=_DEADLINE)
    first_byte_ms: Milliseconds = Field(default_factory=int, description=_FIRST_BYTE)
    between_chunks_ms: Milliseconds = Field(default_factory=int, description=_BETWEEN)

    def wanted(self) -> RouteChanges:
        """What is asked for."""
        return RouteChanges.model_validate(self.model_dump(exclude_unset=True))


class ConditionsOut(Model):
    """When the target may be chosen; null may be anything."""

    min_input_tokens: int | None
    max_input_tokens: int | None
    tools: bool | None
    vision: bool | None
    stream: bool | None
    region: str | None

    @classmethod
    def of(cls, conditions: Conditions) -> Self:
        """Show conditions."""
        return cls(**conditions.model_dump())


class TargetOut(Model):
    """A model that the route may choose; its `id` stays while the route changes."""

    id: str
    model: str
    weight: int
    variant: str | None
    conditions: ConditionsOut

    @classmethod
    def of(cls, target: Target) -> Self:
        """Show a target."""
        return cls(**target.model_dump(exclude={"conditions"}), conditions=ConditionsOut.of(target.conditions))


class RouteOut(Model):
    """A route."""

    id: UUID
    name: str
    strategy: Strategy
    targets: Sequence[TargetOut]
    sticky: Sticky
    attempts: int
    deadline_ms: int
    first_byte_ms: int
    between_chunks_ms: int
    version: int
    created_by: UUID
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, route: Route) -> Self:
        """Show a route."""
        shown = route.model_dump(exclude={"org_id", "targets"})
        return cls(**shown, targets=[TargetOut.of(target) for target in route.targets])


class RoutePage(Model):
    """Some routes, the newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[RouteOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Route]) -> Self:
        """Show a page."""
        return cls(data=[RouteOut.of(route) for route in page.data], next_cursor=cursor_after(page.last))
