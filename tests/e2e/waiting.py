"""Waiting for what happens behind the front door."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

WITHIN_SECONDS: Final = 30
_BETWEEN_LOOKS_SECONDS: Final = 0.1


async def eventually[T](look: Callable[[], Awaitable[T | None]], *, within: float = WITHIN_SECONDS) -> T:
    """What a look finds, as soon as it finds something. Raises TimeoutError."""
    async with asyncio.timeout(within):
        while True:
            found = await look()
            if found is not None:
                return found
            await asyncio.sleep(_BETWEEN_LOOKS_SECONDS)
