"""Holds and journal entries in Redis, as the sweeper sees them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import orjson

from integration.gateway.alerts import alert_in_envelope
from integration.gateway.settlement import RedisSettlements
from integration.gateway.store import ACTIVITY_KEY, Script, fail_closed, milliseconds
from integration.gateway.sweep import ExpiredHold
from llmo_core.observability import logger
from llmo_data.pipelined_redis import PipelinedRedis
from llmo_messaging.envelope import Envelope


class RedisLeftovers:
    """What dead processes left in Redis."""

    def __init__(self, redis: PipelinedRedis, settlements: RedisSettlements) -> None:
        self._redis = redis
        self._settlements = settlements
        self._retire = Script(redis, "retire")

    async def active_orgs(self) -> Sequence[str]:
        """References of organizations that made calls lately."""
        with fail_closed():
            members: list[bytes] = await self._redis.call("ZRANGE", ACTIVITY_KEY, 0, -1)
        return [member.decode() for member in members]

    async def expired_holds(self, org_ref: str, now: datetime, limit: int) -> Sequence[ExpiredHold]:
        """Holds that expired before `now`; ids without a hold are cleared away."""
        expired = f"{{{org_ref}}}:holds"
        with fail_closed():
            ids: list[bytes] = await self._redis.call(
                "ZRANGEBYSCORE", expired, "-inf", milliseconds(now), "LIMIT", 0, limit
            )
            names = [f"{{{org_ref}}}:hold:{hold.decode()}" for hold in ids]
            texts: list[bytes | None] = await self._redis.call("MGET", *names) if names else []
            found = dict(zip(ids, texts, strict=True))
            if orphans := [hold for hold, text in found.items() if text is None]:
                await self._redis.call("ZREM", expired, *orphans)
        return [_hold(hold, text) for hold, text in found.items() if text is not None]

    async def release(self, org_ref: str, hold_id: UUID, *, cost_pico: int, tokens: int, event: Envelope) -> bool:
        """Settle an expired hold and journal its event; False when somebody else did."""
        journaled = await self._settlements.settle_hold(
            org_ref, hold_id, cost_pico=cost_pico, tokens=tokens, event=event
        )
        return journaled is not None

    async def unpublished(self, org_ref: str, before: datetime, limit: int) -> Sequence[tuple[bytes, Envelope]]:
        """Journal entries made before a moment, oldest first."""
        with fail_closed():
            entries: list[tuple[bytes, list[bytes]]] = await self._redis.call(
                "XRANGE", f"{{{org_ref}}}:usage", "-", milliseconds(before), "COUNT", limit
            )
        readable: list[tuple[bytes, Envelope]] = []
        for entry, (kind, text) in entries:
            read = alert_in_envelope if kind == b"alert" else Envelope.model_validate_json
            try:
                readable.append((entry, read(text)))
            except (ValueError, KeyError, TypeError) as error:
                # It would stand in the way for ever; the log keeps it.
                logger().critical("unreadable usage event", extra={"usage_event": repr(text), "reason": str(error)})
                await self.forget(org_ref, [entry])
        return readable

    async def forget(self, org_ref: str, entries: list[bytes]) -> None:
        """Take published events off the journal."""
        if entries:
            await self._settlements.forget(org_ref, entries)

    async def retire(self, org_ref: str, idle_since: datetime) -> None:
        """Take an organization off the list unless it made calls after `idle_since` or left something to sweep."""
        with fail_closed():
            holds = await self._redis.call("ZCARD", f"{{{org_ref}}}:holds")
            entries = await self._redis.call("XLEN", f"{{{org_ref}}}:usage")
            if not holds and not entries:
                await self._retire([ACTIVITY_KEY], (org_ref, milliseconds(idle_since)))


def _hold(hold_id: bytes, text: bytes) -> ExpiredHold:
    stored = orjson.loads(text)
    return ExpiredHold(UUID(hold_id.decode()), orjson.loads(stored["key"]), orjson.loads(stored["context"]))
