"""Holds and journal entries in Redis, as the sweeper sees them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from redis.asyncio import Redis

from integration.gateway.admission import ACTIVITY_KEY, RedisAdmissions, fail_closed, milliseconds
from integration.gateway.sweep import ExpiredHold
from llmo_messaging.envelope import Envelope


class RedisLeftovers:
    """What dead processes left in Redis."""

    def __init__(self, redis: Redis, admissions: RedisAdmissions) -> None:
        self._redis = redis
        self._admissions = admissions

    async def active_orgs(self) -> Sequence[str]:
        """References of organizations that made calls lately."""
        async with fail_closed():
            members: Any = await self._redis.zrange(ACTIVITY_KEY, 0, -1)
        return [member.decode() for member in members]

    async def expired_holds(self, org_ref: str, now: datetime, limit: int) -> Sequence[ExpiredHold]:
        """Holds that expired before `now`."""
        async with fail_closed():
            ids: Any = await self._redis.zrangebyscore(
                f"{{{org_ref}}}:holds", "-inf", milliseconds(now), start=0, num=limit
            )
            texts: Any = await self._redis.mget([f"{{{org_ref}}}:hold:{hold.decode()}" for hold in ids]) if ids else []
        return [_hold(hold, text) for hold, text in zip(ids, texts, strict=True) if text is not None]

    async def release(self, org_ref: str, hold_id: UUID, *, cost_pico: int, tokens: int, event: Envelope) -> bool:
        """Settle an expired hold and journal its event; False when somebody else did."""
        entry = await self._admissions.settle_hold(org_ref, hold_id, cost_pico=cost_pico, tokens=tokens, event=event)
        return entry is not None

    async def unpublished(self, org_ref: str, before: datetime, limit: int) -> Sequence[tuple[bytes, Envelope]]:
        """Journal entries made before a moment, oldest first."""
        async with fail_closed():
            entries: Any = await self._redis.xrange(f"{{{org_ref}}}:usage", "-", str(milliseconds(before)), count=limit)
        return [(entry, Envelope.model_validate_json(fields[b"event"])) for entry, fields in entries]

    async def forget(self, org_ref: str, entries: list[bytes]) -> None:
        """Take published events off the journal."""
        await self._admissions.forget(org_ref, entries)

    async def retire(self, org_ref: str, idle_since: datetime) -> None:
        """Take an organization off the list unless it made calls after `idle_since` or left something to sweep."""
        async with fail_closed():
            left = await self._redis.zcard(f"{{{org_ref}}}:holds") + await self._redis.xlen(f"{{{org_ref}}}:usage")
            seen = await self._redis.zscore(ACTIVITY_KEY, org_ref)
            if not left and seen is not None and float(seen) < milliseconds(idle_since):
                await self._redis.zrem(ACTIVITY_KEY, org_ref)


def _hold(hold_id: bytes, text: bytes) -> ExpiredHold:
    stored = orjson.loads(text)
    return ExpiredHold(UUID(hold_id.decode()), orjson.loads(stored["key"]), orjson.loads(stored["context"]))
