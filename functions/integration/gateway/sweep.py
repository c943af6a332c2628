"""Cleaning up after processes that died: holds that nobody settled, and events that nobody published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol
from uuid import UUID

from integration.gateway.call import Endpoint
from integration.gateway.events import CacheState, CallStatus, UsageRecorded
from integration.gateway.pricing import OPENAI
from llmo_core.clock import Clock
from llmo_core.money import dollars_text
from llmo_messaging.bus import EventBus, PublishFailed
from llmo_messaging.envelope import Envelope

_UNPUBLISHED_AFTER: Final = timedelta(seconds=30)
_BATCH: Final = 100


@dataclass(frozen=True, slots=True)
class ExpiredHold:
    """A hold whose call was never settled, with what was known when it was admitted."""

    hold_id: UUID
    key: Mapping[str, Any]
    context: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Swept:
    """What one run did; `orgs_unpublished` still have events that the bus did not take."""

    holds_released: int
    events_published: int
    orgs_unpublished: int


class Leftovers(Protocol):
    """Holds and journal entries, by organization."""

    async def active_orgs(self) -> Sequence[str]:
        """References of organizations that made calls lately."""
        ...

    async def expired_holds(self, org_ref: str, now: datetime, limit: int) -> Sequence[ExpiredHold]:
        """Holds that expired before `now`."""
        ...

    async def release(self, org_ref: str, hold_id: UUID, *, cost_pico: int, tokens: int, event: Envelope) -> bool:
        """Settle an expired hold and journal its event; False when somebody else did."""
        ...

    async def unpublished(self, org_ref: str, before: datetime, limit: int) -> Sequence[tuple[bytes, Envelope]]:
        """Journal entries made before a moment, oldest first."""
        ...

    async def forget(self, org_ref: str, entries: list[bytes]) -> None:
        """Take published events off the journal."""
        ...

    async def retire(self, org_ref: str, idle_since: datetime) -> None:
        """Take an organization off the list unless it made calls after `idle_since`."""
        ...


class Sweep:
    """Settles what was left behind. Several sweeps may run at once; each hold is settled once."""

    def __init__(self, *, leftovers: Leftovers, bus: EventBus, clock: Clock) -> None:
        self._leftovers = leftovers
        self._bus = bus
        self._clock = clock

    async def run(self) -> Swept:
        """Sweep every active organization once; one whose events the bus refuses does not keep the others waiting.

        A lost call is charged its estimated input: the provider has seen that much, and what it answered is unknown.
        Raises StoreUnavailable; running again is safe.
        """
        released = published = failed = 0
        for org_ref in await self._leftovers.active_orgs():
            released += await self._release_holds(org_ref)
            sent, refused = await self._publish_journal(org_ref)
            published, failed = published + sent, failed + bool(refused)
            await self._leftovers.retire(org_ref, self._clock.now() - timedelta(hours=1))
        return Swept(released, published, failed)

    async def _release_holds(self, org_ref: str) -> int:
        released = 0
        for hold in await self._leftovers.expired_holds(org_ref, self._clock.now(), _BATCH):
            cost, tokens = hold.context["input_pico"], hold.context["input_tokens"]
            event = _lost_call(hold, self._clock.now())
            released += await self._leftovers.release(org_ref, hold.hold_id, cost_pico=cost, tokens=tokens, event=event)
        return released

    async def _publish_journal(self, org_ref: str) -> tuple[int, int]:
        """Publish what is old enough; gives how many events the bus took and how many it refused."""
        before = self._clock.now() - _UNPUBLISHED_AFTER
        taken = refused = 0
        while entries := await self._leftovers.unpublished(org_ref, before, _BATCH + refused):
            fresh = entries[refused:]
            if not fresh:
                break
            published = await self._publish(fresh)
            await self._leftovers.forget(org_ref, published)
            taken, refused = taken + len(published), refused + len(fresh) - len(published)
        return taken, refused

    async def _publish(self, entries: Sequence[tuple[bytes, Envelope]]) -> list[bytes]:
        """Publish entries together or, when the bus refuses that, one by one; gives those that it took."""
        try:
            await self._bus.publish([event for _, event in entries])
        except PublishFailed:
            if len(entries) == 1:
                return []
            return [entry for pair in entries for entry in await self._publish([pair])]
        return [entry for entry, _ in entries]


def _lost_call(hold: ExpiredHold, now: datetime) -> Envelope:
    key, context = hold.key, hold.context
    started_at = datetime.fromisoformat(context["started_at"])
    event = UsageRecorded(
        request_id=context["request_id"],
        org_id=UUID(key["org_id"]),
        project_id=UUID(key["project_id"]),
        key_id=UUID(key["key_id"]),
        endpoint=Endpoint(context["endpoint"]),
        requested_model=context["model"],
        model=context["model"],
        provider=context.get("provider", OPENAI),  # nothing: held before a deployment
        connection=context.get("connection"),
        route=context.get("route"),
        variant=None,
        attempts=1,
        status=CallStatus.LOST,
        http_status=500,
        error_code="lost",
        stream=context["stream"],
        cache=CacheState(context["cache"]),
        input_tokens=context["input_tokens"],
        cached_input_tokens=0,
        output_tokens=0,
        reasoning_tokens=0,
        audio_input_tokens=0,
        audio_output_tokens=0,
        estimated=True,
        cost_usd=dollars_text(context["input_pico"]),
        saved_usd="0",
        price_version=context["price_version"],
        latency_ms=round((now - started_at).total_seconds() * 1000, 3),
        ttft_ms=None,
        started_at=started_at,
        end_user=context["end_user"],
        tags=context.get("tags", {}),
        batch=context.get("batch"),
    )
    return Envelope.of(
        event, event_id=hold.hold_id, org_id=event.org_id, time=started_at, traceparent=context["traceparent"]
    )
