"""Flows."""

from enum import StrEnum
from uuid import UUID

from llmo_core.errors import Unavailable
from llmo_core.model import Model


class Flow(StrEnum):
    """A state machine, `statemachines/<name>.asl.yaml`."""

    DUNNING = "dunning"


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


class FlowsUnavailable(Unavailable):
    """Step Functions does not answer, or not so."""
