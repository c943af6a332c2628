"""How often it was tried to sign in, in Redis: per account with growing delays, and per address of the network.

An attempt is counted before it is made, so that many at once are no way around. An address that nobody has is counted
like any other: delays tell nothing about who has an account.
"""

import hmac
import ipaddress
from hashlib import sha256
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from auth.sign_in.models import TooManyAttempts
from llmo_core.errors import Unavailable

FREE_ATTEMPTS = 5
FIRST_DELAY_SECONDS = 30
LONGEST_DELAY_SECONDS = 900
MAILS_PER_HOUR = 5
_MAIL_WINDOW_SECONDS = 3600
_REMEMBERED_SECONDS = 86_400
_WINDOW_SECONDS = 60

# KEYS 1 failures, 2 lock   ARGV 1 free attempts, 2 first delay (s), 3 longest delay (s), 4 memory (s)
# Answers 0 when the attempt may be made, else for how many milliseconds none may. The fifth failure in a row locks.
_BEGIN = """
local wait = redis.call('PTTL', KEYS[2])
if wait > 0 then return wait end
local failures = redis.call('INCR', KEYS[1])
redis.call('EXPIRE', KEYS[1], ARGV[4])
local beyond = failures - tonumber(ARGV[1])
if beyond >= 0 then
  redis.call('SET', KEYS[2], failures, 'EX', math.min(tonumber(ARGV[2]) * 2 ^ math.min(beyond, 20), tonumber(ARGV[3])))
end
return 0
"""

# KEYS 1 counter   ARGV 1 limit, 2 window (s)
_COUNT = """
local made = redis.call('INCR', KEYS[1])
if made == 1 then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
if made > tonumber(ARGV[1]) then return math.max(redis.call('PTTL', KEYS[1]), 1) end
return 0
"""


class AttemptsUnknown(Unavailable):
    """It cannot be known how often it was tried to sign in, so nobody can sign in now."""


class RedisAttempts:
    """Counts attempts.

    Args:
        secret: Accounts are counted under an HMAC of their address.
        per_ip: The most attempts in a minute from one address of the network (IPv6: from one /64).
    """

    def __init__(self, redis: Redis, *, secret: bytes, per_ip: int) -> None:
        self._redis = redis
        self._secret = secret
        self._per_ip = per_ip

    async def begin(self, email: str, ip: str | None) -> None:
        """Count an attempt before it is made. Raises TooManyAttempts, and AttemptsUnknown without Redis."""
        await self.count_network(ip)
        limits = (FREE_ATTEMPTS, FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS, _REMEMBERED_SECONDS)
        await self._check(_BEGIN, self._names(email)[:2], *limits)

    async def may_mail(self, email: str, ip: str | None) -> bool:
        """Count a request that mails an address; False when it gets too many, which nobody is told.

        Raises TooManyAttempts for the network, and AttemptsUnknown without Redis.
        """
        await self.count_network(ip)
        try:
            await self._check(_COUNT, [f"{self._account(email)}:mails"], MAILS_PER_HOUR, _MAIL_WINDOW_SECONDS)
        except TooManyAttempts:
            return False
        return True

    async def guessed(self, email: str) -> bool:
        """Count a second factor that was wrong beside the right password; True for every fifth in a row."""
        name = self._names(email)[-1]
        try:
            async with self._redis.pipeline() as pipeline:
                pipeline.incr(name)
                pipeline.expire(name, _REMEMBERED_SECONDS)
                guesses, _ = await pipeline.execute()
        except (RedisError, OSError) as error:
            raise AttemptsUnknown from error
        return int(guesses) % FREE_ATTEMPTS == 0

    async def succeeded(self, email: str) -> None:
        """Forget the account's failures."""
        try:
            await self._redis.delete(*self._names(email))
        except (RedisError, OSError) as error:
            raise AttemptsUnknown from error

    async def count_network(self, ip: str | None) -> None:
        """Count an attempt of somebody who is not known yet. Raises TooManyAttempts, and AttemptsUnknown."""
        if ip is not None:
            await self._check(_COUNT, [f"auth:ip:{_network(ip)}"], self._per_ip, _WINDOW_SECONDS)

    async def _check(self, script: str, keys: list[str], *arguments: int) -> None:
        try:
            wait: Any = await self._redis.eval(script, len(keys), *keys, *map(str, arguments))
        except (RedisError, OSError) as error:
            raise AttemptsUnknown from error
        if wait:
            raise TooManyAttempts(retry_after_seconds=wait / 1000)

    def _names(self, email: str) -> list[str]:
        return [f"{self._account(email)}:{kind}" for kind in ("failures", "lock", "guesses")]

    def _account(self, email: str) -> str:
        return f"{{auth:account:{hmac.digest(self._secret, b'attempts ' + email.lower().encode(), sha256).hex()}}}"


def _network(ip: str) -> str:
    address = ipaddress.ip_address(ip)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
