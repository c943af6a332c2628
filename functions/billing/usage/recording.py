"""LLM calls that the gateway has recorded are kept and counted, each once."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from billing.metering.meters import LLM_CALL
from billing.usage.counting import counted
from billing.usage.models import KeptEvent, UsageRecorded
from billing.usage.ports import Usage
from llmo_core.clock import Clock
from llmo_core.errors import Unavailable
from llmo_core.observability import logger
from llmo_messaging.consumer import Delivery
from llmo_messaging.envelope import Envelope

type Call = Delivery[UsageRecorded]


class UsageRecording:
    """Keeps and counts LLM calls."""

    def __init__(self, *, usage: Usage, clock: Clock) -> None:
        self._usage = usage
        self._clock = clock

    async def record(self, calls: Sequence[Call]) -> Sequence[Call]:
        """Keep and count calls; those of them that cannot be, with the reason in the log.

        Safe to repeat: a call, its count and the note that it arrived are one commit. Each organization's calls are,
        and where that fails they are halved, so that one call that cannot be kept holds up no other. Raises
        DatabaseUnavailable, after which any part of the calls may be recorded.
        """
        by_org: dict[UUID, list[Call]] = defaultdict(list)
        for call in calls:
            by_org[call.event.org_id].append(call)
        failed: list[Call] = []
        for org_id, of_one in by_org.items():
            failed += await self._apart(org_id, of_one)
        return failed

    async def _apart(self, org_id: UUID, calls: Sequence[Call]) -> Sequence[Call]:
        try:
            await self._record(org_id, calls)
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 - whatever went wrong, the log says why, and the queue has the call again
            if len(calls) == 1:
                logger().exception("usage not recorded", extra={"event_id": str(calls[0].envelope.id)})
                return calls
        else:
            return ()
        middle = len(calls) // 2
        return [*await self._apart(org_id, calls[:middle]), *await self._apart(org_id, calls[middle:])]

    async def _record(self, org_id: UUID, calls: Sequence[Call]) -> None:
        now = self._clock.now()
        of_id = {call.envelope.id: call.event for call in calls}
        async with self._usage.writing(org_id) as writer:
            new = await writer.new([_whose(org_id, call.envelope) for call in calls], now=now)
            if not new:
                return
            events = [KeptEvent.of_call(event_id, of_id[event_id], received_at=now) for event_id in new]
            meters = await writer.meters({LLM_CALL})
            await writer.add(events, counted(meters, events))


def _whose(org_id: UUID, envelope: Envelope) -> Envelope:
    """The envelope, which may not say whose it is; the call itself does."""
    return envelope if envelope.orgid == org_id else envelope.model_copy(update={"orgid": org_id})
