"""A running gateway with what surrounds it, as tests see it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import uvicorn
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionMessageParam
from redis.asyncio import Redis

from integration.gateway.app import GatewayApp
from integration.gateway.settings import GatewaySettings, SweeperSettings
from integration.gateway.wiring import SweeperWired, Wired
from llmo_core.aws import JsonService
from llmo_messaging.configured import BusSettings
from local.vendors.openai_journal import Journal
from tests.fakes.eventbridge import FakeEventBridge
from tests.integration.organizations import Org

FILES_BUCKET = "llmo-test-files"
KEY_ARN = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000"
HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Say hello"}]


def settings_for(provider_url: str, bus: FakeEventBridge, conninfo: Mapping[str, str | int]) -> GatewaySettings:
    """What a gateway between these is told."""
    return GatewaySettings(
        redis_url_secret="redis",
        api_key_pepper_secret="pepper",
        upstream_base_url=provider_url,
        upstream_api_key_secret="upstream",
        upstream_read_seconds=30,
        allow_private_providers=True,
        data_key_arn=KEY_ARN,
        key_service=JsonService("kms", "TrentService", "eu-west-1", "http://127.0.0.1:1"),
        model_prices={"house-model": {"input_mtok": "1", "output_mtok": "2"}},
        bus=BusSettings(
            kind="eventbridge",
            stage="test",
            event_bus_name="llmo-test",
            events=JsonService("events", "AWSEvents", "eu-west-1", bus.url),
            rabbitmq_url_secret="",
            claims_bucket="llmo-test-claims",
        ),
        usage_publish="await",
        database={
            "host": conninfo["host"],
            "port": conninfo["port"],
            "name": conninfo["dbname"],
            "user": conninfo["user"],
            "password_secret": "password",
            "sslmode": conninfo.get("sslmode", "prefer"),
        },
        files_bucket=FILES_BUCKET,
        restricted_rpm=3,
    )


class MovableClock:
    """The machine's time, plus what a test adds to it."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def advance(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)

    def reset(self) -> None:
        self._ahead = timedelta()


@dataclass
class Platform:
    """A running gateway and what surrounds it."""

    url: str
    bus: FakeEventBridge
    provider: Journal
    redis: Redis
    settings: GatewaySettings
    secrets: dict[str, str]
    clock: MovableClock
    app: GatewayApp
    _clients: list[AsyncOpenAI] = field(default_factory=list)

    @property
    def wired(self) -> Wired:
        """The running gateway's own parts."""
        assert self.app.wired is not None
        return self.app.wired

    def client(self, org: Org) -> AsyncOpenAI:
        """OpenAI's own client, as a user of the gateway has it."""
        return self.client_with(org.api_key)

    def client_with(self, api_key: str) -> AsyncOpenAI:
        """OpenAI's own client with any key."""
        client = AsyncOpenAI(base_url=f"{self.url}/v1", api_key=api_key, max_retries=0)
        self._clients.append(client)
        return client

    def usage(self, org: Org) -> list[dict[str, Any]]:
        """An organization's usage events."""
        events = self.bus.events_of(org.org_id)
        return [event for event in events if event["type"] == "llmo.integration.usage.recorded"]

    async def close(self) -> None:
        """Close every client."""
        for client in self._clients:
            await client.close()

    async def until_admitted(self, org: Org) -> None:
        """Wait until a call of the organization holds something; TimeoutError after five seconds."""
        async with asyncio.timeout(5):
            while not await self.redis.zcard(f"{{{org.org_ref}}}:holds"):
                pass  # asking takes a round trip

    async def until_idle(self, org: Org) -> None:
        """Wait until no call of the organization holds anything; TimeoutError after five seconds."""
        async with asyncio.timeout(5):
            while await self.redis.zcard(f"{{{org.org_ref}}}:holds"):
                pass  # asking takes a round trip

    async def until_following(self, count: int) -> None:
        """Wait until so many calls wait for another one; TimeoutError after five seconds."""
        async with asyncio.timeout(5):
            while self.wired.following.waiting < count:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.005)

    async def sweep(self) -> tuple[int, int]:
        """Run the sweeper once: holds released, events published."""
        settings = SweeperSettings(self.settings.redis_url_secret, self.settings.bus)
        wired = SweeperWired(settings, secret=self.secrets.__getitem__, clock=self.clock)
        swept = await wired.sweep()
        await wired.close()
        return swept.holds_released, swept.events_published


@asynccontextmanager
async def serving(app: GatewayApp) -> AsyncIterator[str]:
    """The app under uvicorn on a free port; gives its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http="httptools", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve([listener]))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        async with aiohttp.ClientSession() as session, session.get(f"{url}/healthz") as response:
            assert response.status == 200
        yield url
    finally:
        server.should_exit = True
        await running
