"""What flows need of the world around them."""

from typing import Protocol
from uuid import UUID

from billing.flows.models import Ending, Execution, Subject, WaitingFlow


class StateMachines(Protocol):
    """Where state machines run."""

    async def start(self, execution: Execution) -> None:
        """Start an execution, once: when there is or was one of its name, nothing happens. Raises FlowsUnavailable."""
        ...

    async def tell(self, token: str, ending: Ending) -> None:
        """Let a task that waits go on, or fail by name. One that waits no more is left. Raises FlowsUnavailable."""
        ...


class WaitingFlows(Protocol):
    """Where it is kept which flows wait."""

    async def keep(self, waiting: WaitingFlow) -> None:
        """Note a flow that waits, in place of the one before."""
        ...

    async def find(self, org_id: UUID, subject: Subject) -> WaitingFlow | None:
        """The flow that waits for a subject's end."""
        ...

    async def forget(self, waiting: WaitingFlow) -> None:
        """Let a flow wait no more, unless it waits with another token by now."""
        ...
