"""A stand-in for EventBridge's PutEvents over HTTP: it keeps what it is given and fails when told to.

It lacks rules, targets, and every other operation; signatures are not checked (a unit test compares those with
botocore's).
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from tests.fakes.serving import serving


class FakeEventBridge:
    """Keeps the envelopes it took, by call.

    Attributes:
        url: Its endpoint.
        calls: The envelopes of each successful call.
        down: While set, every call is answered with 503.
        hanging: While clear, calls wait.
    """

    def __init__(self) -> None:
        self.url = ""
        self.calls: list[list[dict[str, Any]]] = []
        self.down = False
        self.hanging = asyncio.Event()
        self.hanging.set()
        self._changed = asyncio.Condition()

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every envelope taken, in order."""
        return [event for call in self.calls for event in call]

    def events_of(self, org_id: object) -> list[dict[str, Any]]:
        """One organization's envelopes."""
        return [event for event in self.events if event["orgid"] == str(org_id)]

    async def wait_for(self, org_id: object, count: int) -> list[dict[str, Any]]:
        """One organization's envelopes, once there are this many; TimeoutError after five seconds."""
        async with asyncio.timeout(5), self._changed:
            await self._changed.wait_for(lambda: len(self.events_of(org_id)) >= count)
        return self.events_of(org_id)

    async def serve(self, request: web.Request) -> web.Response:
        """Answer PutEvents."""
        await self.hanging.wait()
        if self.down:
            return web.Response(status=503, text="down")
        body = json.loads(await request.read())
        async with self._changed:
            self.calls.append([json.loads(entry["Detail"]) for entry in body["Entries"]])
            self._changed.notify_all()
        return web.json_response({"FailedEntryCount": 0, "Entries": [{"EventId": "1"} for _ in body["Entries"]]})


@asynccontextmanager
async def running_eventbridge() -> AsyncIterator[FakeEventBridge]:
    """A fake that listens on a free port."""
    fake = FakeEventBridge()
    async with serving(fake.serve) as fake.url:
        yield fake
