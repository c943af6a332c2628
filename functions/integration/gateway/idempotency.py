"""`Idempotency-Key` on calls to models: a repeated request gets the first one's answer and is not made again.

Kept in Redis for a day, per API key. Source of the rules: draft-ietf-httpapi-idempotency-key-header.
"""

import hashlib
from typing import Final

import orjson

from integration.gateway.models import Answer
from integration.gateway.once import Claim, KnownRequest
from integration.gateway.store import fail_closed
from llmo_auth.api_key import ApiKey
from llmo_data.pipelined_redis import PipelinedRedis

_RUNNING: Final = b"running"


class RedisRequests:
    """Requests that came with an idempotency key.

    Args:
        running_seconds: How long a request may take; after that a repetition is made anew, because its process died.
        kept_seconds: How long answers are kept.
    """

    def __init__(self, redis: PipelinedRedis, *, running_seconds: float = 960, kept_seconds: float = 86_400) -> None:
        self._redis = redis
        self._running_ms = int(running_seconds * 1000)
        self._kept_ms = int(kept_seconds * 1000)

    async def claim(self, key: ApiKey, idempotency_key: str, fingerprint: str) -> Claim | KnownRequest:
        """Claim the right to make the request, or give what is known of the first one. Raises StoreUnavailable."""
        name = _name(key, idempotency_key)
        marker = fingerprint.encode() + b"\n" + _RUNNING
        with fail_closed():
            stored: bytes | None = await self._redis.call("SET", name, marker, "PX", self._running_ms, "NX", "GET")
        if stored is None:
            return Claim(name, fingerprint)
        first, _, rest = stored.partition(b"\n")
        return KnownRequest(first.decode(), None if rest == _RUNNING else _decode(rest))

    async def keep(self, claim: Claim, answer: Answer) -> None:
        """Keep the answer of a claimed request. Raises StoreUnavailable."""
        with fail_closed():
            await self._redis.call("SET", claim.name, _encode(claim, answer), "PX", self._kept_ms)

    async def release(self, claim: Claim) -> None:
        """Forget a claimed request that had no answer worth keeping. Raises StoreUnavailable."""
        with fail_closed():
            await self._redis.call("DEL", claim.name)


def _name(key: ApiKey, idempotency_key: str) -> str:
    digest = hashlib.sha256(f"{key.text}\n{idempotency_key}".encode()).hexdigest()
    return f"{{{key.org_ref}}}:request:{digest}"


def _encode(claim: Claim, answer: Answer) -> bytes:
    if not isinstance(answer.body, bytes):
        raise TypeError("a stream is kept once it is complete")
    head = orjson.dumps([answer.status, dict(answer.headers)])
    return claim.fingerprint.encode() + b"\n" + head + b"\n" + answer.body


def _decode(stored: bytes) -> Answer:
    head, _, body = stored.partition(b"\n")
    status, headers = orjson.loads(head)
    return Answer(status, headers, body)
