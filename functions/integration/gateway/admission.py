"""Admissions in Redis: one script knows the key, its limits and budgets, and the cache, in one atomic round trip.

All keys of an organization carry its reference as their hash tag, so they share a slot of a cluster. When Redis does
not answer, no call is made: what cannot be metered is refused.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, Protocol

import orjson

from integration.gateway.call import Call
from integration.gateway.errors import (
    AddressNotAllowed,
    ConfigurationChanged,
    ExpiredApiKey,
    InvalidApiKey,
    RevokedApiKey,
    StoreUnavailable,
)
from integration.gateway.flight import Hold
from integration.gateway.meters import metered
from integration.gateway.models import Admission, KeyRecord, Sharing
from integration.gateway.organization import Organization
from integration.gateway.settlement import RedisSettlements
from integration.gateway.store import ACTIVITY_KEY, Script, fail_closed, milliseconds
from integration.gateway.verdicts import admission_of, admits, owner_of, refuse
from llmo_auth.api_key import ApiKey
from llmo_auth.networks import within
from llmo_core.clock import Clock
from llmo_core.observability import logger
from llmo_data.pipelined_redis import Argument, PipelinedRedis

_UNKNOWN_KEY_MS: Final = 10_000
_ACTIVITY_SECONDS: Final = 60.0
_REFUSED: Final = b"refused"
_MOST_OWNERS: Final = 100_000


class KeyRecords(Protocol):
    """Where API keys are kept for good."""

    async def find(self, digest: str) -> dict[str, Any] | None:
        """The admission record of a key; None when there is no such key. Raises DatabaseUnavailable."""
        ...


class RedisAdmissions:
    """Keys, limits, budgets and cache in Redis.

    Args:
        settlements: Releases a hold whose admission did not arrive.
        pepper: The secret under which API keys are hashed.
        hold_seconds: After this long a hold that nobody settled belongs to the sweeper; longer than any call.
        record_seconds: How long a key's record is kept before PostgreSQL is asked again. Revocation does not wait for
            it: it overwrites the record.
    """

    def __init__(
        self,
        redis: PipelinedRedis,
        *,
        records: KeyRecords,
        settlements: RedisSettlements,
        pepper: bytes,
        clock: Clock,
        timer: Callable[[], float],
        hold_seconds: float = 960,
        record_seconds: float = 300,
    ) -> None:
        self._redis = redis
        self._records = records
        self._settlements = settlements
        self._pepper = pepper
        self._clock = clock
        self._timer = timer
        self._hold_ms = int(hold_seconds * 1000)
        self._record_ms = int(record_seconds * 1000)
        self._admit = Script(redis, "admit")
        self._active: dict[str, float] = {}
        self._owners: dict[str, KeyRecord] = {}
        self._cancelling: set[asyncio.Task[None]] = set()

    async def authenticate(self, key: ApiKey, address: str) -> None:
        """Raise InvalidApiKey unless the key is valid, or AddressNotAllowed; StoreUnavailable when nobody knows."""
        name = self._record_name(key)
        with fail_closed():
            text: Any = await self._redis.call("GET", name)
        if text is None:
            await self._load(key, name)
            with fail_closed():
                text = await self._redis.call("GET", name)
        if text == b"revoked":
            raise RevokedApiKey
        if text is None or text == _REFUSED:
            raise InvalidApiKey
        record = orjson.loads(text)
        expires = record.get("expires")
        if expires is not None and expires <= milliseconds(self._clock.now()):
            raise ExpiredApiKey
        if not within(record.get("networks"), address):
            raise AddressNotAllowed

    async def admit(
        self,
        key: ApiKey,
        call: Call,
        hold: Hold,
        *,
        organization: Organization,
        targets: Sequence[str] = (),
        sharing: Sharing = Sharing.ALONE,
    ) -> Admission:
        """Admit the call and hold its worst case, or find its answer in the cache or an equal call under way."""
        name = self._record_name(key)
        await self.mark_active(key, call.address)
        metering = bool(organization.limits or organization.budgets)
        owner = await self.owner(key, call.address) if metering else None

        def arguments(now: datetime) -> tuple[Argument, ...]:
            month, month_kept_until = _month(now.year, now.month)
            return (
                milliseconds(now),
                str(hold.event_id),
                call.model,
                call.cache_digest if call.cache_read else "",
                call.tokens_estimate,
                hold.amount_pico,
                milliseconds(hold.lives_until) if hold.lives_until else milliseconds(now) + self._hold_ms,
                _context(call, hold),
                month,
                month_kept_until,
                call.address,
                organization.version,
                " ".join(targets),
                metered(organization, owner, call.end_user, now) if owner is not None else b"",
                int(call.cache.only),
                sharing.value,
                call.cache.form_digest if call.cache_read else "",
                *((call.cache.sought.bucket,) if call.cache.sought is not None else ()),
            )

        answer, now = await self._ask(key, name, hold, arguments)
        if answer[0] == b"unknown":
            await self._load(key, name)
            answer, now = await self._ask(key, name, hold, arguments)
        if answer[0] == b"config":
            raise ConfigurationChanged
        if not admits(answer):
            refuse(answer, call, organization, now)
        return admission_of(answer, self._owners.get(name) or self._remembered(name, answer[1]), targets)

    async def _ask(
        self, key: ApiKey, name: str, hold: Hold, arguments: Callable[[datetime], tuple[Argument, ...]]
    ) -> tuple[list[Any], datetime]:
        """The script's answer, and the time that it was asked for.

        Nothing is awaited between looking at the clock and sending: the script sees a process's calls in their order,
        and takes none for one that came before those that it has counted.
        """
        now = self._clock.now()
        try:
            with fail_closed():
                return await self._admit([name], arguments(now)), now
        except (StoreUnavailable, asyncio.CancelledError):
            self._cancel_later(key, hold)  # the script may have run although its answer is lost
            raise

    async def owner(self, key: ApiKey, address: str) -> KeyRecord:
        """Whose a key is, which never changes. Raises what `authenticate` raises when nobody knows it here yet."""
        name = self._record_name(key)
        known = self._owners.get(name)
        if known is None:
            await self.authenticate(key, address)
            with fail_closed():
                text: bytes | None = await self._redis.call("GET", name)
            if text is None or text in {b"revoked", _REFUSED}:
                raise InvalidApiKey
            known = self._remembered(name, text)
        return known

    def _remembered(self, name: str, record: bytes) -> KeyRecord:
        owner = self._owners[name] = owner_of(orjson.loads(record))
        if len(self._owners) > _MOST_OWNERS:
            self._owners.pop(next(iter(self._owners)))
        return owner

    def _cancel_later(self, key: ApiKey, hold: Hold) -> None:
        async def cancel() -> None:
            try:
                await self._settlements.cancel(key.org_ref, hold.event_id)
            except StoreUnavailable:
                logger().warning("a hold may be left to the sweeper", extra={"request_id": hold.request_id})

        task = asyncio.create_task(cancel())
        self._cancelling.add(task)
        task.add_done_callback(self._cancelling.discard)

    def _record_name(self, key: ApiKey) -> str:
        return f"{{{key.org_ref}}}:key:{key.digest(self._pepper)}"

    async def _load(self, key: ApiKey, name: str) -> None:
        """Copy the key's record from PostgreSQL, unless a revocation was faster (NX)."""
        record = await self._records.find(key.digest(self._pepper))
        text, lifetime = (_REFUSED, _UNKNOWN_KEY_MS) if record is None else (orjson.dumps(record), self._record_ms)
        with fail_closed():
            await self._redis.call("SET", name, text, "PX", lifetime, "NX")

    async def mark_active(self, key: ApiKey, address: str) -> None:
        """Put the organization on the sweeper's list before it can hold anything; once a minute per process.

        Only for valid keys: invented keys name invented organizations.
        """
        now = self._timer()
        if self._active.get(key.org_ref, -_ACTIVITY_SECONDS) + _ACTIVITY_SECONDS <= now:
            await self.authenticate(key, address)
            with fail_closed():
                await self._redis.call("ZADD", ACTIVITY_KEY, milliseconds(self._clock.now()), key.org_ref)
            self._active[key.org_ref] = now


def _context(call: Call, hold: Hold) -> bytes:
    """What the sweeper needs to record the call when this process dies."""
    return orjson.dumps(
        {
            "request_id": hold.request_id,
            "endpoint": call.endpoint,
            "model": call.model,
            "provider": hold.target.provider,
            "connection": hold.target.connection.name if hold.target.connection else None,
            "route": hold.route,
            "stream": call.stream,
            "cache": "miss" if call.cache_digest else "off",
            "input_tokens": call.input_tokens_estimate,
            "input_pico": hold.input_pico,
            "price_version": hold.target.prices.version,
            "started_at": hold.started_at,
            "end_user": call.end_user,
            "tags": call.tags,
            "traceparent": call.traceparent,
            "batch": call.batch,
        }
    )


@lru_cache(maxsize=4)
def _month(year: int, month: int) -> tuple[str, int]:
    """A month as counters are named by it, and when they are forgotten (milliseconds): forty days after its end."""
    over, next_month = divmod(year * 12 + month, 12)
    return f"{year}-{month:02}", milliseconds(datetime(over, next_month + 1, 1, tzinfo=UTC) + timedelta(days=40))
