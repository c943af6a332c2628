"""Doing things at the same time."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any


async def all_of[T](work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """What all of them give, in their order.

    Raises the first error of them once every one has ended: none goes on with what its caller has left, and none is
    cut off in a call that is paid for.
    """
    ended = await asyncio.gather(*work, return_exceptions=True)
    results: list[T] = []
    for each in ended:
        if isinstance(each, BaseException):
            raise each
        results.append(each)
    return results
