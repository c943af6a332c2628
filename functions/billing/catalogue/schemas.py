"""Bodies about plans and meters."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from billing.catalogue.models import KeptMeter, NewPlan, Plan, Version
from billing.fields import Code
from billing.metering.meters import Meter
from billing.pricing.plans import PlanVersion
from llmo_core.fields import Flag, Name
from llmo_core.model import Model
from llmo_core.paging import Page, cursor_after

# PostgreSQL's text holds no NUL; lines may be broken.
type Description = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00]*$")]

_BY = Field(description="A user, an API key or a service account of the operator's; null to everybody else.")


class CreatePlan(Model):
    """A plan with its first version."""

    code: Code
    name: Name
    description: Description = ""
    offered: Flag = Field(default=False, description="Whether everybody sees it at once; else it is a draft.")
    version: PlanVersion

    def wanted(self) -> NewPlan:
        """What is asked for."""
        return NewPlan(
            code=self.code,
            name=self.name,
            description=self.description,
            offered=self.offered,
            definition=self.version,
        )


class VersionOut(PlanVersion):
    """A version of a plan, which never changes."""

    plan_id: UUID
    number: int
    created_by: Annotated[UUID | None, _BY]
    created_at: datetime

    @classmethod
    def of(cls, version: Version) -> Self:
        """Show a version."""
        shown = version.model_dump(include={"plan_id", "number", "created_by", "created_at"})
        return cls(**dict(version.definition), **shown)


class VersionPage(Model):
    """Some versions, the newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[VersionOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Version]) -> Self:
        """Show a page."""
        return cls(data=[VersionOut.of(version) for version in page.data], next_cursor=cursor_after(page.last))


class PlanOut(Model):
    """A plan with its newest version. `offered` says whether one can subscribe to it."""

    id: UUID
    code: str
    name: str
    description: str
    offered: bool
    version: VersionOut
    revision: Annotated[int, Field(description="1, and one more with each change; the `ETag`.")]
    created_by: Annotated[UUID | None, _BY]
    created_at: datetime
    archived_at: datetime | None

    @classmethod
    def of(cls, plan: Plan) -> Self:
        """Show a plan."""
        shown = plan.model_dump(exclude={"org_id", "offered_from", "version"})
        return cls(**shown, offered=plan.offered, version=VersionOut.of(plan.version))


class PlanPage(Model):
    """Some plans, the newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[PlanOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Plan]) -> Self:
        """Show a page."""
        return cls(data=[PlanOut.of(plan) for plan in page.data], next_cursor=cursor_after(page.last))


class MeterOut(Meter):
    """A meter, which never changes."""

    id: UUID
    created_by: Annotated[UUID | None, _BY]
    created_at: datetime

    @classmethod
    def of(cls, meter: KeptMeter) -> Self:
        """Show a meter."""
        shown = meter.model_dump(include={"id", "created_by", "created_at"})
        return cls(**dict(meter.definition), **shown)


class MeterPage(Model):
    """Some meters, the newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[MeterOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[KeptMeter]) -> Self:
        """Show a page."""
        return cls(data=[MeterOut.of(meter) for meter in page.data], next_cursor=cursor_after(page.last))
