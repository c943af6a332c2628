"""What the live view costs the calls that it shows: `python -m tests.load.live`.

Time that Redis itself spends on what ends a call (`INFO commandstats`, µs): without the live view (where the event of a
cached call is written by `XADD` alone), when nobody watches, and while somebody does. In turn, 2,000 calls each;
medians of nine rounds, and of each round's ratio to the first.
"""

import asyncio
import re
from pathlib import Path
from statistics import median
from typing import Any

import orjson
from redis.asyncio import Redis

from integration.gateway import store
from tests.integration.stores import redis_server

_CALLS = 2_000
_ROUNDS = 9
_SAMPLE = Path(__file__).parents[2] / "events" / "AnalyticsConsumerFunction" / "usage-recorded.json"
_LUA = Path(store.__file__).with_name("lua")
_TAG = "{0BenchOrg1}"
_SHOWING = re.compile(r"( *)(--[^\n]*\n *)?if redis\.call\('EXISTS', tag \.\. ':watched'\).*?\n\1end\n", re.DOTALL)


def _hold() -> str:
    rate = {"name": f"{_TAG}:requests:k", "limit": 100_000_000, "period": 60_000, "arrival": 0, "units": 100}
    budget = {"name": f"{_TAG}:spend:key:k:2026-11", "limit": 10**18, "hard": True, "alerts": [50, 80, 95, 100]}
    budgets = [{**budget, "expires": 1_900_000_000_000, "id": "b", "subject": "k", "scope": "key"}] * 2
    key = orjson.dumps({"org_id": "o"}).decode()
    return orjson.dumps({"amount": "1000", "key": key, "rates": [rate], "budgets": budgets}).decode()


async def _xadd(redis: Redis, event: str) -> float:
    """Microseconds that the server takes to write an event by a command of its own, as the gateway did before."""
    await redis.config_resetstat()
    async with redis.pipeline(transaction=False) as calls:
        for _ in range(_CALLS):
            calls.xadd(f"{_TAG}:usage", {"event": event})
        await calls.execute()
    found: dict[str, Any] = await redis.info("commandstats")
    await redis.delete(f"{_TAG}:usage")
    return float(found["cmdstat_xadd"]["usec_per_call"])


async def _measure(redis: Redis, script: str, name: str, event: str) -> float:
    """Microseconds that the server takes for one call of a script."""
    sha = await redis.script_load(script)
    hold = _hold()
    async with redis.pipeline(transaction=False) as calls:
        await redis.config_resetstat()
        for number in range(_CALLS):
            if name == "settle":
                calls.set(f"{_TAG}:hold:{number}", hold)
                keys = [f"{_TAG}:hold:{number}", f"{_TAG}:holds", f"{_TAG}:usage", f"{_TAG}:cache:"]
                arguments: list[Any] = [number, 900, 80, event, 1_700_000_000_000, "", 1000, ""]
            else:
                keys, arguments = [f"{_TAG}:usage"], [event]
            calls.evalsha(sha, len(keys), *keys, *arguments)
        await calls.execute()
    found: dict[str, Any] = await redis.info("commandstats")
    await redis.delete(f"{_TAG}:usage")
    return float(found["cmdstat_evalsha"]["usec_per_call"])


async def main() -> None:
    """Measure and print."""
    sample = orjson.loads(_SAMPLE.read_bytes())["Records"][0]["body"]
    event = orjson.dumps(orjson.loads(sample)["detail"]).decode()
    async with redis_server() as url:
        redis = Redis.from_url(url)
        print(f"{'script':10}{'without':>10}{'unwatched':>12}{'watched':>10}   ratios to the first (µs in Redis)")
        for name in ("settle", "journal"):
            text = (_LUA / f"{name}.lua").read_text()
            bare, cut = _SHOWING.subn("", text)
            assert cut == 1
            rounds: list[tuple[float, float, float]] = []
            for _ in range(_ROUNDS):
                without = await (_measure(redis, bare, name, event) if name == "settle" else _xadd(redis, event))
                unwatched = await _measure(redis, text, name, event)
                await redis.set(f"{_TAG}:watched", 1)
                watched = await _measure(redis, text, name, event)
                await redis.delete(f"{_TAG}:watched", f"{_TAG}:live")
                rounds.append((without, unwatched, watched))
            costs = [median(each[column] for each in rounds) for column in range(3)]
            ratios = [median(each[column] / each[0] for each in rounds) for column in (1, 2)]
            print(f"{name:10}{costs[0]:10.1f}{costs[1]:12.1f}{costs[2]:10.1f}   {ratios[0]:.2f}, {ratios[1]:.2f}")
        await redis.aclose()


if __name__ == "__main__":
    asyncio.run(main())
