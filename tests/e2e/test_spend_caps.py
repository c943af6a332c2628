"""What billing says reaches the gateway over the bus within seconds."""

import asyncio
import time
from typing import Any

import openai
import pytest

from tests.e2e.platform import Platform, ask, unique
from tests.e2e.test_billing import customer_of

SECONDS = 5.0


async def call(client: Any) -> None:
    await client.chat.completions.create(model="gpt-4o-mini", messages=ask(unique()), max_tokens=10)


async def until(client: Any, *, refused: bool) -> None:
    """Wait until calls are refused, or are not; TimeoutError when that takes longer than it may."""
    async with asyncio.timeout(SECONDS):
        while True:
            try:
                await call(client)
            except openai.RateLimitError:
                if refused:
                    return
            else:
                if not refused:
                    return
            await asyncio.sleep(0.1)


async def test_a_spend_cap_reaches_the_gateway_within_five_seconds(platform: Platform) -> None:
    customer = await customer_of(platform)
    client = platform.client(customer)
    await call(client)
    assert (await platform.call("GET", "/api/v1/billing/spend-cap", api_key=customer)).json()["limit_usd"] is None

    began = time.monotonic()
    capped = await platform.call("PUT", "/api/v1/billing/spend-cap", api_key=customer, json={"limit_usd": "0.00"})
    assert capped.status == 200, capped
    await until(client, refused=True)
    assert time.monotonic() - began < SECONDS

    with pytest.raises(openai.RateLimitError) as refusal:
        await call(client)
    assert refusal.value.code == "insufficient_quota"
    assert "spend cap" in str(refusal.value)

    lifted = await platform.call("PUT", "/api/v1/billing/spend-cap", api_key=customer, json={"limit_usd": None})
    assert lifted.status == 200, lifted
    await until(client, refused=False)
