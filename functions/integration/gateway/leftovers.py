"""Holds and journal entries in Redis, as the sweeper sees them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import orjson

from integration.gateway.settlement import RedisSettlements
from integration.gateway.store import ACTIVITY_KEY, fail_closed, milliseconds
from integration.gateway.sweep import ExpiredHold
from llmo_data.pipelined_redis import PipelinedRedis
from llmo_messaging.envelope import Envelope


class RedisLeftovers:
    """What dead processes left in Redis."""

    def __init__(self, redis: PipelinedRedis, settlements: RedisSettlements) -> None:
        self._redis = redis
        self._settlements = settlements

    async def active_orgs(self) -> Sequence[str]:
        """References of organizations that made calls lately."""
        with fail_closed():
            members: list[bytes] = await self._redis.call("ZRANGE", ACTIVITY_KEY, 0, -1)
        return [member.decode() for member in members]

    async def expired_holds(self, org_ref: str, now: datetime, limit: int) -> Sequence[ExpiredHold]:
        """Holds that expired before `now`."""
        with fail_closed():
            ids: list[bytes] = await self._redis.call(
                "ZRANGEBYSCORE", f"{{{org_ref}}}:holds", "-inf", milliseconds(now), "LIMIT", 0, limit
            )
            names = [f"{{{org_ref}}}:hold:{hold.decode()}" for hold in ids]
            texts: list[bytes | None] = await self._redis.call("MGET", *names) if names else []
        return [_hold(hold, text) for hold, text in zip(ids, texts, strict=True) if text is not None]

    async def release(self, org_ref: str, hold_id: UUID, *, cost_pico: int, tokens: int, event: Envelope) -> bool:
        """Settle an expired hold and journal its event; False when somebody else did."""
        entry = await self._settlements.settle_hold(org_ref, hold_id, cost_pico=cost_pico, tokens=tokens, event=event)
        return entry is not None

    async def unpublished(self, org_ref: str, before: datetime, limit: int) -> Sequence[tuple[bytes, Envelope]]:
        """Journal entries made before a moment, oldest first."""
        with fail_closed():
            entries: list[tuple[bytes, list[bytes]]] = await self._redis.call(
                "XRANGE", f"{{{org_ref}}}:usage", "-", milliseconds(before), "COUNT", limit
            )
        return [(entry, Envelope.model_validate_json(event)) for entry, (_, event) in entries]

    async def forget(self, org_ref: str, entries: list[bytes]) -> None:
        """Take published events off the journal."""
        await self._settlements.forget(org_ref, entries)

    async def retire(self, org_ref: str, idle_since: datetime) -> None:
        """Take an organization off the list unless it made calls after `idle_since` or left something to sweep."""
        with fail_closed():
            holds = await self._redis.call("ZCARD", f"{{{org_ref}}}:holds")
            left = holds + await self._redis.call("XLEN", f"{{{org_ref}}}:usage")
            seen = await self._redis.call("ZSCORE", ACTIVITY_KEY, org_ref)
            if not left and seen is not None and float(seen) < milliseconds(idle_since):
                await self._redis.call("ZREM", ACTIVITY_KEY, org_ref)


def _hold(hold_id: bytes, text: bytes) -> ExpiredHold:
    stored = orjson.loads(text)
    return ExpiredHold(UUID(hold_id.decode()), orjson.loads(stored["key"]), orjson.loads(stored["context"]))
