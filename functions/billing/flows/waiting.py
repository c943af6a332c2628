"""Flows wait until something ends, and are told."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from billing.flows.models import Ending, Subject, WaitingFlow
from billing.flows.ports import StateMachines, WaitingFlows
from llmo_core.clock import Clock

type Ended = Callable[[UUID, UUID], Awaitable[Ending | None]]
"""How what has an organization's id and its own has ended; None while it has not."""


class Waiting:
    """Lets flows wait and tells them. Everything is safe to repeat."""

    def __init__(self, *, flows: WaitingFlows, machines: StateMachines, clock: Clock) -> None:
        self._flows = flows
        self._machines = machines
        self._clock = clock

    async def wait(self, org_id: UUID, subject: Subject, token: str, ended: Ended) -> None:
        """Let the flow with a token wait for a subject's end, or go on at once when that has ended already.

        It is noted first and looked at then: whatever ends in between finds the note. Raises FlowsUnavailable.
        """
        await self._flows.keep(WaitingFlow(org_id=org_id, subject=subject, token=token, since=self._clock.now()))
        ending = await ended(org_id, subject.id)
        if ending is not None:
            await self.tell(org_id, subject, ending)

    async def tell(self, org_id: UUID, subject: Subject, ending: Ending) -> None:
        """Tell whichever flow waits for a subject how that ended. Raises FlowsUnavailable.

        The note goes when it was told. Should it be told twice, the second time is without effect.
        """
        waiting = await self._flows.find(org_id, subject)
        if waiting is None:
            return
        await self._machines.tell(waiting.token, ending)
        await self._flows.forget(waiting)
