"""Plans with their versions, meters, and what can go wrong with them."""

from collections.abc import Collection
from datetime import datetime
from typing import Self
from uuid import UUID

from billing.metering.meters import Meter
from billing.models import ChangedMeanwhile
from billing.pricing.plans import PlanVersion
from llmo_core.errors import Conflict, NotFound
from llmo_core.model import Model
from llmo_messaging.envelope import Event


class KeptMeter(Model):
    """A meter that plans can refer to. It never changes.

    Attributes:
        org_id: The operator's.
        created_by: A user, an API key or a service account; None for those who are not the operator.
    """

    id: UUID
    org_id: UUID
    definition: Meter
    created_by: UUID | None
    created_at: datetime


class Version(Model):
    """A version of a plan. It never changes.

    Attributes:
        org_id: The operator's.
        number: 1, 2, 3 and so on.
        created_by: As of a KeptMeter.
    """

    id: UUID
    org_id: UUID
    plan_id: UUID
    number: int
    definition: PlanVersion
    created_by: UUID | None
    created_at: datetime


class NewPlan(Model):
    """What a plan is made of."""

    code: str
    name: str
    description: str
    offered: bool
    definition: PlanVersion


class Plan(Model):
    """A name for what is charged: a draft that the operator alone sees, then offered to everybody, then archived.

    Attributes:
        org_id: The operator's.
        version: The newest.
        offered_from: The number of the newest version when it was first offered; None of a draft.
        revision: 1, and one more with each change.
        created_by: As of a KeptMeter.
    """

    id: UUID
    org_id: UUID
    code: str
    name: str
    description: str
    version: Version
    offered_from: int | None
    revision: int = 1
    created_by: UUID | None
    created_at: datetime
    archived_at: datetime | None = None

    @property
    def offered(self) -> bool:
        """Whether one can subscribe to it."""
        return self.offered_from is not None and self.archived_at is None

    def require_revision(self, expected: Collection[int] | None) -> None:
        """Raise ChangedMeanwhile unless the revision is one of these; None are all."""
        if expected is not None and self.revision not in expected:
            raise ChangedMeanwhile

    def require_changeable(self) -> None:
        """Raise PlanIsArchived unless it can be changed."""
        if self.archived_at is not None:
            raise PlanIsArchived

    def having(self, version: Version) -> Self:
        """The same with a newer version."""
        return self.model_copy(update={"version": version, "revision": self.revision + 1})

    def offering(self) -> Self:
        """The same, offered from its newest version on."""
        return self.model_copy(update={"offered_from": self.version.number, "revision": self.revision + 1})

    def archived(self, at: datetime) -> Self:
        """The same, archived."""
        return self.model_copy(update={"archived_at": at, "revision": self.revision + 1})


class MeterCreated(Event, name="llmo.billing.meter.created"):
    """Something is counted from now on."""

    meter_id: UUID
    code: str
    created_by: UUID


class PlanCreated(Event, name="llmo.billing.plan.created"):
    """A plan with its first version."""

    plan_id: UUID
    code: str
    name: str
    offered: bool
    created_by: UUID


class PlanVersionCreated(Event, name="llmo.billing.plan.version_created"):
    """Whoever subscribes to the plan from now on gets this version."""

    plan_id: UUID
    code: str
    number: int
    created_by: UUID


class PlanOffered(Event, name="llmo.billing.plan.offered"):
    """A plan that was a draft is seen by everybody, from this version on."""

    plan_id: UUID
    code: str
    number: int
    offered_by: UUID


class PlanArchived(Event, name="llmo.billing.plan.archived"):
    """Nobody can subscribe to the plan any more."""

    plan_id: UUID
    code: str
    archived_by: UUID


class UnknownPlan(NotFound):
    """There is no plan with this id."""


class UnknownVersion(NotFound):
    """The plan has no such version."""


class CodeTaken(Conflict):
    """There is one with this code already."""


class PlanIsArchived(Conflict):
    """The plan is archived: it is not changed any more."""
