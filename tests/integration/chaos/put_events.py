"""PutEvents that fails in part: an HTTP server before moto's EventBridge."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from tests.fakes.serving import serving

_FAILED = {"ErrorCode": "InternalFailure", "ErrorMessage": "as planned"}


class UnreliablePutEvents:
    """Passes entries on, but not always all of them, in order, once, or with an answer.

    Attributes:
        url: Where it listens.
        faults: How often each fault was made.
    """

    def __init__(self, moto_url: str, session: aiohttp.ClientSession, seed: int) -> None:
        self.url = ""
        self.faults: Counter[str] = Counter()
        self._moto_url = moto_url
        self._session = session
        self._random = random.Random(seed)  # noqa: S311 - faults, not secrets
        self._partial, self._unanswered, self._refused = 0.04, 0.01, 0.01

    def always_in_part(self) -> None:
        """From now on let about half the entries of each call fail."""
        self._partial, self._unanswered, self._refused = 1.0, 0.0, 0.0

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer PutEvents."""
        entries: list[dict[str, Any]] = json.loads(await request.read())["Entries"]
        chance = self._random.random()
        if chance < self._refused:
            self.faults["refused"] += 1
            return web.Response(status=503, text="as planned")
        if chance < self._refused + self._partial:
            return await self._in_part(request, entries)
        results = await self._pass_on(request, self._random.sample(entries, len(entries)))
        if chance > 1 - self._unanswered:
            self.faults["unanswered"] += 1
            assert request.transport is not None
            request.transport.abort()
            raise asyncio.CancelledError
        return web.json_response({"FailedEntryCount": 0, "Entries": results})

    async def _in_part(self, request: web.Request, entries: list[dict[str, Any]]) -> web.Response:
        fails = [self._random.random() < 0.5 for _ in entries]
        taken = [entry for entry, failed in zip(entries, fails, strict=True) if not failed]
        passed_on = iter(await self._pass_on(request, taken) if taken else [])
        self.faults["in part"] += any(fails)
        results = [_FAILED if failed else next(passed_on) for failed in fails]
        return web.json_response({"FailedEntryCount": sum(fails), "Entries": results})

    async def _pass_on(self, request: web.Request, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        names = ("content-type", "x-amz-target", "x-amz-date", "authorization")
        headers = {name: request.headers[name] for name in names}
        body = json.dumps({"Entries": entries}).encode()
        async with self._session.post(f"{self._moto_url}/", data=body, headers=headers) as response:
            results: list[dict[str, Any]] = json.loads(await response.read())["Entries"]
            return results


@asynccontextmanager
async def unreliable_put_events(moto_url: str, seed: int) -> AsyncIterator[UnreliablePutEvents]:
    """It, listening on a free port."""
    async with aiohttp.ClientSession() as session:
        server = UnreliablePutEvents(moto_url, session, seed)
        async with serving(server.serve) as server.url:
            yield server
