"""One worker as a process of its own: `python -m tests.load.notifications.workers planner|sender <what it is told>`.

It waits for what comes into its queue, ten at most at once as from SQS, and does what the function of this name does.
"""

import asyncio
import sys
from collections.abc import Sequence

from redis.asyncio import Redis

from llmo_core.model import Model
from llmo_core.observability import logger
from llmo_data import redis as redis_client
from llmo_messaging.envelope import Envelope
from notification.planning.models import NotificationRequested, Waiting
from tests.load.notifications.wired import PLANNER, SENDER, HurriedClock, RedisQueues, Wired, database_of, enough

_BATCH = 10
_WAIT_SECONDS = 1
_EVERY_MINUTE = 60.0  # as the schedule does, by the worker's clock


class Told(Model):
    """What a worker is told.

    Attributes:
        began: Since when its clock hurries.
        times: How many times as fast.
    """

    conninfo: dict[str, str | int]
    redis_url: str
    vendor: str
    mail_server: str = ""
    vapid: str = ""
    began: float = 0.0
    times: float = 1.0


async def work(name: str, told: Told) -> None:
    """Work until the process is ended."""
    redis = redis_client.connect(told.redis_url)
    clock = HurriedClock(told.began, told.times)
    database, queues = database_of(told.conninfo), RedisQueues(redis)
    wired = Wired(database, redis, told.vendor, clock, queues, told.mail_server, told.vapid)
    run = _Planner(wired) if name == PLANNER else _Sender(wired)
    await redis.rpush("ready", name)
    scheduled = clock.now()
    await run([])
    while True:
        came = await _came(redis, name)
        if came or (clock.now() - scheduled).total_seconds() >= _EVERY_MINUTE:
            scheduled = clock.now()
            await run(came)


async def _came(redis: Redis, name: str) -> Sequence[Envelope]:
    first = await redis.blpop([name], timeout=_WAIT_SECONDS)
    if first is None:
        return []
    others = await redis.lpop(name, _BATCH - 1) or []
    return [Envelope.model_validate_json(each) for each in (first[1], *others)]


class _Planner:
    def __init__(self, wired: Wired) -> None:
        self._accepting = wired.accepting()
        self._planning = wired.planning()

    async def __call__(self, came: Sequence[Envelope]) -> None:
        asked = [each for each in came if each.type == NotificationRequested.event_type]
        waiting = [Waiting(each.orgid, NotificationRequested(**each.data).notification_id) for each in asked]
        accepted = await self._accepting.accept([(each, each.data) for each in came if each not in asked])
        await self._planning.plan([*accepted.waiting, *waiting], enough)
        if not came:
            await self._planning.plan_due(enough)


class _Sender:
    def __init__(self, wired: Wired) -> None:
        self._sending = wired.sending()

    async def __call__(self, _came: Sequence[Envelope]) -> None:
        await self._sending.send_due(enough)


if __name__ == "__main__":
    logger().setLevel("ERROR")
    [_, chosen, given] = sys.argv
    if chosen not in {PLANNER, SENDER}:
        sys.exit("a worker is a planner or a sender")
    asyncio.run(work(chosen, Told.model_validate_json(given)))
