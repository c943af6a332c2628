"""The provider of the savings report: it takes as long as a real one, scaled down, and counts tokens truly."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from local.vendors.openai_answers import complete, embed
from local.vendors.openai_faults import Faults
from local.vendors.openai_serving import answer, read_json

FIRST_TOKEN_SECONDS: Final = 0.1
EACH_TOKEN_SECONDS: Final = 0.002
_SHORTEST, _LONGEST = 60, 420


async def _chat(request: web.Request) -> web.StreamResponse:
    """An answer as long as the last message makes it, unless the call says less; the same one gets the same."""
    body = await read_json(request)
    digest = hashlib.sha256(body["messages"][-1]["content"].encode()).digest()
    length = _SHORTEST + int.from_bytes(digest[:4]) % (_LONGEST - _SHORTEST)
    made = complete(body, Faults(chunks=length))
    await asyncio.sleep(FIRST_TOKEN_SECONDS + EACH_TOKEN_SECONDS * made.usage["completion_tokens"])
    return answer(made.body(with_usage=True))


async def _embeddings(request: web.Request) -> web.StreamResponse:
    body = await read_json(request)
    await asyncio.sleep(FIRST_TOKEN_SECONDS)
    return answer(embed(body))


@asynccontextmanager
async def provider() -> AsyncIterator[str]:
    """The provider on a free port: its base URL."""
    app = web.Application()
    app.router.add_post("/v1/chat/completions", _chat)
    app.router.add_post("/v1/embeddings", _embeddings)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    await runner.cleanup()
