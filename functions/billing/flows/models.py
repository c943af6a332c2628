"""Flows, and what they wait for."""

from enum import StrEnum
from uuid import UUID

from llmo_core.errors import Unavailable
from llmo_core.fields import Moment
from llmo_core.model import Model


class Flow(StrEnum):
    """A state machine, `statemachines/<name>.asl.yaml`."""

    DUNNING = "dunning"
    REFUND = "refund"
    SUBSCRIPTION_CHANGE = "subscription_change"


class Execution(Model):
    """What is started.

    Attributes:
        key: What it is about: there is one execution of a flow about it.
        org_id: Whose it is.
    """

    flow: Flow
    key: UUID
    org_id: UUID

    @property
    def name(self) -> str:
        """The name of the execution, by which Step Functions starts it once."""
        return f"{self.flow.value.replace('_', '-')}-{self.key}"


class SubjectKind(StrEnum):
    """What flows wait for the end of."""

    REFUND = "refund"
    TOP_UP = "top_up"


class Subject(Model):
    """Something that ends some time, and of whose end a flow wants to know."""

    kind: SubjectKind
    id: UUID


class Ending(Model):
    """How a subject ended: well, or not, by name."""

    failure: str | None = None
    cause: str = ""


class WaitingFlow(Model):
    """A flow that waits.

    Attributes:
        token: By which Step Functions knows the task that waits.
    """

    org_id: UUID
    subject: Subject
    token: str
    since: Moment


class FlowsUnavailable(Unavailable):
    """Step Functions does not answer, or not so."""
