"""What an organization's calls were recorded as."""

from collections.abc import Awaitable
from decimal import Decimal
from typing import Any

import genai_prices

from tests.integration.gateway.platform import Platform
from tests.integration.organizations import Org

type Event = dict[str, Any]


async def recorded(platform: Platform, org: Org) -> Event:
    """The data of the organization's only event, as soon as it has one."""
    (event,) = await platform.bus.wait_for(org.org_id, 1)
    data: Event = event["data"]
    return data


def priced(model: str, **usage: int) -> Decimal:
    """What genai-prices says that a usage costs at OpenAI."""
    price = genai_prices.calc_price(genai_prices.Usage(**usage), model_ref=model, provider_id="openai")
    return Decimal(price.total_price)


async def held(platform: Platform, org: Org) -> int:
    """Pico-dollars that calls of the organization still hold."""
    total = 0
    async for name in platform.redis.scan_iter(match=f"{{{org.org_ref}}}:spend:*"):
        total += int(await platform.redis.hget(name, "held") or 0)
    return total


async def spent(platform: Platform, org: Org) -> Decimal:
    """Dollars that count against the budget of the organization's key."""
    names = [name async for name in platform.redis.scan_iter(match=f"{{{org.org_ref}}}:spend:key:*")]
    return Decimal(int(await platform.redis.hget(names[0], "spent") or 0)).scaleb(-12)


async def cache_states(*answers: Awaitable[Any]) -> list[str]:
    """What the cache did for calls that are made one after the other."""
    return [(await answer).headers["x-llmo-cache"] for answer in answers]
