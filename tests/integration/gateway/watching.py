"""Somebody who watches an organization's calls."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import aiohttp

from integration.live.models import Message, Seen
from integration.live.service import Watch, Watching
from llmo_auth.principal import ActorType, Permission, Principal
from tests.integration.gateway.platform import Platform
from tests.integration.organizations import Org

type Event = tuple[str, Any]
type Begin = Callable[..., Awaitable["Watcher"]]


def context_of(
    org: Org, *, project_id: UUID | None = None, permissions: tuple[str, ...] = (Permission.USAGE_READ,)
) -> str:
    """What the web adapter hands on of somebody of an organization."""
    principal = Principal(
        org_id=org.org_id,
        project_id=project_id,
        actor_type=ActorType.API_KEY if project_id else ActorType.USER,
        actor_id=uuid4(),
        permissions=frozenset(permissions),
    )
    return json.dumps({"path": "/dev/api/v1/usage/live", "authorizer": principal.to_context()})


async def ask(platform: Platform, org: Org, text: str = "Say hello", **options: Any) -> None:
    """Make a call of the organization's that the cache may answer."""
    client = platform.client(org)
    await client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": text}], **options)


async def events(response: aiohttp.ClientResponse) -> AsyncIterator[Mapping[str, str]]:
    """Server-sent events as their fields; comments are left out."""
    fields: dict[str, str] = {}
    async for line in response.content:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name in {"event", "id", "data", "retry"}:
            fields[name] = value
        elif not name and not value and fields:
            yield fields
            fields = {}


@dataclass
class HandTimer:
    """Seconds that go on when they are told to."""

    seconds: float = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.seconds


@dataclass
class Watcher:
    """Reads the messages of one stream, one by one."""

    watching: Watching
    watch: Watch
    seen: list[Message] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._messages = aiter(self.watching.messages(self.watch))

    async def next(self) -> Message:
        """The next message."""
        return await anext(self._messages)

    async def call(self) -> Seen:
        """The next call; what is told before it is left out."""
        while not isinstance(found := await self.next(), Seen):
            pass
        return found

    async def rest(self) -> list[Message]:
        """All that is still told."""
        return [message async for message in self._messages]
