"""Admissions in Redis: one script admits a call, one settles it.

Each is a single round trip, and each is atomic. All keys of an organization carry its reference as their hash tag, so
they share a slot of a cluster. When Redis does not answer, no call is made: what cannot be metered is refused.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import UUID

import orjson
from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

from integration.gateway.errors import (
    BudgetExceeded,
    ExpiredApiKey,
    InvalidApiKey,
    LimitKind,
    ModelNotAllowed,
    RateLimited,
    RevokedApiKey,
    StoreUnavailable,
)
from integration.gateway.flight import Flight, Hold
from integration.gateway.models import Admission, CachedAnswer, Call, KeyRecord, Limit, Usage
from llmo_auth.api_key import ApiKey
from llmo_core.clock import Clock
from llmo_messaging.envelope import Envelope

_LUA = Path(__file__).with_name("lua")
_UNKNOWN_KEY_MS: Final = 10_000
ACTIVITY_KEY: Final = "gateway:active_orgs"
_ACTIVITY_SECONDS: Final = 60.0
_REFUSED: Final = "refused"


class KeyRecords(Protocol):
    """Where API keys are kept for good."""

    async def find(self, digest: str) -> dict[str, Any] | None:
        """The admission record of a key; None when there is no such key. Raises DatabaseUnavailable."""
        ...


class RedisAdmissions:
    """Keys, limits, budgets, cache and the usage journal in Redis.

    Args:
        pepper: The secret under which API keys are hashed.
        hold_seconds: After this long a hold that nobody settled belongs to the sweeper; longer than any call.
        record_seconds: How long a key's record is kept before PostgreSQL is asked again. Revocation does not wait for
            it: it overwrites the record.
        cache_seconds: How long answers are kept.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        records: KeyRecords,
        pepper: bytes,
        clock: Clock,
        timer: Callable[[], float],
        hold_seconds: float = 960,
        record_seconds: float = 300,
        cache_seconds: float = 86_400,
    ) -> None:
        self._redis = redis
        self._records = records
        self._pepper = pepper
        self._clock = clock
        self._timer = timer
        self._hold_ms = int(hold_seconds * 1000)
        self._record_ms = int(record_seconds * 1000)
        self._cache_ms = int(cache_seconds * 1000)
        self._admit = _Script(redis, "admit")
        self._settle = _Script(redis, "settle")
        self._active: dict[str, float] = {}

    async def authenticate(self, key: ApiKey) -> None:
        """Raise InvalidApiKey unless the key is valid; StoreUnavailable when that cannot be known."""
        name = self._record_name(key)
        async with fail_closed():
            text: Any = await self._redis.get(name)
        if text is None:
            await self._load(key, name)
            async with fail_closed():
                text = await self._redis.get(name)
        if text == b"revoked":
            raise RevokedApiKey
        if text is None or text == _REFUSED.encode():
            raise InvalidApiKey
        expires = orjson.loads(text).get("expires")
        if expires is not None and expires <= milliseconds(self._clock.now()):
            raise ExpiredApiKey

    async def admit(self, key: ApiKey, call: Call, hold: Hold) -> Admission:
        """Admit the call and hold its worst case, or find its answer in the cache."""
        name = self._record_name(key)
        now = self._clock.now()
        window_end = _next_month(now)
        arguments = (
            milliseconds(now),
            str(hold.event_id),
            call.model,
            call.cache_digest if call.cache_read else "",
            call.input_tokens_estimate + call.output_tokens_bound,
            hold.amount_pico,
            milliseconds(now) + self._hold_ms,
            _context(call, hold),
            f"{now:%Y-%m}",
            milliseconds(window_end + timedelta(days=40)),
        )
        async with fail_closed():
            await self._mark_active(key)
            answer = await self._admit([name], arguments)
        if answer[0] == b"unknown":
            await self._load(key, name)
            async with fail_closed():
                answer = await self._admit([name], arguments)
        return _admission(answer, call, retry_after_budget=(window_end - now).total_seconds())

    async def settle(
        self, flight: Flight, *, cost_pico: int, tokens: int, event: Envelope, store: CachedAnswer | None
    ) -> bytes | None:
        """End an admitted call and journal its event: the entry's id, or None when it was settled before."""
        return await self.settle_hold(
            flight.key.org_ref,
            flight.hold.event_id,
            cost_pico=cost_pico,
            tokens=tokens,
            event=event,
            cache_name=f"{flight.admission.key.project_id}:{flight.call.cache_digest}",
            stored=b"" if store is None else _encode(store),
        )

    async def settle_hold(
        self,
        org_ref: str,
        hold_id: UUID,
        *,
        cost_pico: int,
        tokens: int,
        event: Envelope,
        cache_name: str = "",
        stored: bytes = b"",
    ) -> bytes | None:
        """End the call that this hold was for; the sweeper calls this for calls that nobody ended."""
        tag = f"{{{org_ref}}}"
        keys = [f"{tag}:hold:{hold_id}", f"{tag}:holds", f"{tag}:usage", f"{tag}:cache:{cache_name}"]
        now = milliseconds(self._clock.now())
        async with fail_closed():
            entry: bytes | None = await self._settle(
                keys, (str(hold_id), cost_pico, tokens, event.to_json(), now, stored, self._cache_ms)
            )
        return entry

    async def journal(self, key: ApiKey, event: Envelope) -> bytes:
        """Journal the event of a call that held nothing: the entry's id."""
        async with fail_closed():
            entry: Any = await self._redis.xadd(f"{{{key.org_ref}}}:usage", {"event": event.to_json()})
        return bytes(entry)

    async def forget(self, org_ref: str, entries: list[bytes]) -> None:
        """Take published events off the journal."""
        async with fail_closed():
            await self._redis.xdel(f"{{{org_ref}}}:usage", *entries)

    def _record_name(self, key: ApiKey) -> str:
        return f"{{{key.org_ref}}}:key:{key.digest(self._pepper)}"

    async def _load(self, key: ApiKey, name: str) -> None:
        """Copy the key's record from PostgreSQL, unless a revocation was faster (NX)."""
        record = await self._records.find(key.digest(self._pepper))
        text, lifetime = (_REFUSED, _UNKNOWN_KEY_MS) if record is None else (orjson.dumps(record), self._record_ms)
        async with fail_closed():
            await self._redis.set(name, text, px=lifetime, nx=True)

    async def _mark_active(self, key: ApiKey) -> None:
        """Put the organization on the sweeper's list; asked of Redis once a minute per process."""
        now = self._timer()
        if self._active.get(key.org_ref, -_ACTIVITY_SECONDS) + _ACTIVITY_SECONDS <= now:
            await self._redis.zadd(ACTIVITY_KEY, {key.org_ref: milliseconds(self._clock.now())})
            self._active[key.org_ref] = now


class _Script:
    """A Lua script, sent by its hash, and whole when the server does not know it yet."""

    def __init__(self, redis: Redis, name: str) -> None:
        self._redis = redis
        self._text = (_LUA / f"{name}.lua").read_text()
        self._sha = ""

    async def __call__(self, keys: list[str], arguments: tuple[Any, ...]) -> Any:  # noqa: ANN401 - a script's reply
        call: Callable[..., Awaitable[Any]] = self._redis.evalsha
        if self._sha:
            try:
                return await call(self._sha, len(keys), *keys, *arguments)
            except NoScriptError:
                pass  # the server was restarted: load the script again, below
        self._sha = await self._redis.script_load(self._text)
        return await call(self._sha, len(keys), *keys, *arguments)


@asynccontextmanager
async def fail_closed() -> AsyncIterator[None]:
    """Turn any fault of Redis into StoreUnavailable."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise StoreUnavailable from error


def _admission(answer: list[Any], call: Call, *, retry_after_budget: float) -> Admission:
    verdict = answer[0]
    if verdict in {b"admitted", b"hit"}:
        record = orjson.loads(answer[1])
        return Admission(
            key=KeyRecord(UUID(record["key_id"]), UUID(record["org_id"]), UUID(record["project_id"])),
            requests=_limit(answer[2]),
            tokens=_limit(answer[3]),
            cached=_decode(answer[4]) if verdict == b"hit" else None,
        )
    match verdict:
        case b"requests":
            raise RateLimited(LimitKind.REQUESTS, limit=answer[1], retry_after_seconds=answer[2] / 1000)
        case b"tokens":
            requested = call.input_tokens_estimate + call.output_tokens_bound
            raise RateLimited(
                LimitKind.TOKENS, limit=answer[1], retry_after_seconds=max(answer[2], 0) / 1000, requested=requested
            )
        case b"budget":
            raise BudgetExceeded(answer[1].decode(), retry_after_seconds=retry_after_budget)
        case b"model":
            raise ModelNotAllowed(call.model)
        case b"expired":
            raise ExpiredApiKey
        case b"revoked":
            raise RevokedApiKey
    raise InvalidApiKey


def _limit(text: bytes) -> Limit | None:
    return Limit(*map(int, text.split())) if text else None


def _context(call: Call, hold: Hold) -> bytes:
    """What the sweeper needs to record the call when this process dies."""
    return orjson.dumps(
        {
            "request_id": hold.request_id,
            "endpoint": call.endpoint,
            "model": call.model,
            "stream": call.stream,
            "cache": "miss" if call.cache_digest else "off",
            "input_tokens": call.input_tokens_estimate,
            "input_pico": hold.input_pico,
            "price_version": hold.price_version,
            "started_at": hold.started_at,
            "end_user": call.end_user,
            "traceparent": call.traceparent,
        }
    )


def _encode(answer: CachedAnswer) -> bytes:
    usage = answer.usage
    head = [
        answer.model,
        answer.cost_pico,
        usage.input_tokens,
        usage.cached_input_tokens,
        usage.output_tokens,
        usage.reasoning_tokens,
    ]
    return orjson.dumps(head) + b"\n" + answer.body


def _decode(stored: bytes) -> CachedAnswer:
    head, _, body = stored.partition(b"\n")
    model, cost, *tokens = orjson.loads(head)
    return CachedAnswer(body, model, Usage(*tokens), cost)


def milliseconds(moment: datetime) -> int:
    """A moment as Redis scores and scripts take it: milliseconds since 1970."""
    return int(moment.timestamp() * 1000)


def _next_month(moment: datetime) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month, 12)
    return datetime(year, month + 1, 1, tzinfo=UTC)
