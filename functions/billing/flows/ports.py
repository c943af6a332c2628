"""What flows need of the world around them."""

from typing import Protocol

from billing.flows.models import Execution


class StateMachines(Protocol):
    """Where state machines run."""

    async def start(self, execution: Execution) -> None:
        """Start an execution, once: when there is or was one of its name, nothing happens. Raises FlowsUnavailable."""
        ...
