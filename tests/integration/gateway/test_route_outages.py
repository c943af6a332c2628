"""Routes while Redis fails over in the middle of a call."""

import asyncio
from urllib.parse import urlsplit

import pytest

from tests.integration.gateway.calling import Caller
from tests.integration.gateway.configuring import SetUp
from tests.integration.gateway.conftest import RunGateway
from tests.integration.gateway.platform import Platform
from tests.integration.gateway.scripted import Scripted
from tests.integration.messaging.proxy import running_proxy


@pytest.mark.parametrize("gone_for_good", [False, True], ids=["fails over", "stays away"])
async def test_a_call_under_way_goes_on_to_its_next_target_and_is_recorded_once(
    platform: Platform,
    run_gateway: RunGateway,
    redis_url: str,
    set_up: SetUp,
    first: Scripted,
    second: Scripted,
    *,
    gone_for_good: bool,
) -> None:
    await set_up.route("route", ["small", "large"])
    await set_up.budget("1000")
    first.then(503)
    first.hold()
    address = urlsplit(redis_url)
    async with running_proxy(address.hostname or "", address.port or 0) as proxy:
        proxied = redis_url.replace(f":{address.port}", f":{proxy.port}")
        async with run_gateway(secrets={"redis": proxied}) as failing:
            caller = Caller(failing, set_up)
            asking = asyncio.create_task(caller.ask())
            await first.until_called(1)
            if gone_for_good:
                proxy.go_down()
            else:
                proxy.cut()
            first.let_go()

            assert await asking == "second"

            assert (caller.last["status"], caller.last["connection"], caller.last["attempts"]) == ("ok", "two", 2)
            if gone_for_good:  # what it held is the sweeper's
                platform.clock.advance(16 * 60 + 1)
                await platform.sweep()
            else:
                await platform.until_idle(set_up.org)
            (budget,) = [name async for name in platform.redis.scan_iter(f"{{{set_up.org.org_ref}}}:budget:*")]
            assert await platform.redis.hget(budget, "held") == b"0"
            ids = [event["id"] for event in platform.bus.events_of(set_up.org.org_id)]
            assert len(set(ids)) == 1
            assert len(second.calls) == 1
