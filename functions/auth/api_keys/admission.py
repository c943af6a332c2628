"""What the gateway remembers of API keys: records in Redis.

The gateway keeps a key's limits at `{<org_ref>}:key:<key_hash>` and fills that only when it is empty. A revoked key is
therefore replaced by a tombstone, not deleted: a gateway that read the key's row just before it was revoked cannot put
it back.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from auth.api_keys.models import RevocationUnfinished
from auth.api_keys.ports import RevokedKey
from llmo_core.observability import logger

TOMBSTONE = b"revoked"
TOMBSTONE_LIFE = timedelta(hours=24)  # far longer than any call between reading a row and remembering it


class RedisAdmission:
    """The gateway's key records."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def refuse(self, key: RevokedKey) -> None:
        """Make the gateway refuse the key from the next call on. Raises RevocationUnfinished; safe to repeat."""
        try:
            await self._redis.set(_record(key), TOMBSTONE, ex=TOMBSTONE_LIFE)
        except (RedisError, OSError) as error:
            logger().exception("revoked key could not be withdrawn from the gateway")
            raise RevocationUnfinished from error

    async def forget(self, keys: Sequence[RevokedKey]) -> None:
        """Make the gateway look keys up anew. What it cannot be told now it finds out within five minutes."""
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for key in keys:
                    pipeline.delete(_record(key))
                await pipeline.execute()
        except (RedisError, OSError):
            logger().exception("the gateway learns of changed keys later")

    async def refuse_all(self, keys: Sequence[RevokedKey]) -> None:
        """Make the gateway refuse keys. What it cannot be told now it finds out within five minutes."""
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for key in keys:
                    pipeline.set(_record(key), TOMBSTONE, ex=TOMBSTONE_LIFE)
                    pipeline.hdel(_used(key.org_ref), str(key.key_id))
                await pipeline.execute()
        except (RedisError, OSError):
            logger().exception("the gateway learns of revoked keys later")

    async def last_used(self, org_ref: str, key_ids: Sequence[UUID]) -> Mapping[UUID, datetime]:
        """When keys were last admitted to a call, of those that were; nothing when that cannot be known now."""
        if not key_ids:
            return {}
        try:
            moments = await self._redis.hmget(_used(org_ref), [str(key_id) for key_id in key_ids])
        except (RedisError, OSError):
            logger().exception("when keys were last used cannot be known now")
            return {}
        return {
            key_id: datetime.fromtimestamp(int(moment) / 1000, UTC)
            for key_id, moment in zip(key_ids, moments, strict=True)
            if moment is not None
        }


def _record(key: RevokedKey) -> str:
    return f"{{{key.org_ref}}}:key:{key.key_hash}"


def _used(org_ref: str) -> str:
    return f"{{{org_ref}}}:used"
