"""What the gateway remembers of API keys: records in Redis.

The gateway keeps a key's limits at `{<org_ref>}:key:<key_hash>` and fills that only when it is empty. A revoked key is
therefore replaced by a tombstone, not deleted: a gateway that read the key's row just before it was revoked cannot put
it back.
"""

from datetime import timedelta

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
            await self._redis.set(f"{{{key.org_ref}}}:key:{key.key_hash}", TOMBSTONE, ex=TOMBSTONE_LIFE)
        except (RedisError, OSError) as error:
            logger().exception("revoked key could not be withdrawn from the gateway")
            raise RevocationUnfinished from error
