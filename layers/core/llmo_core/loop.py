"""One event loop per process.

Database and HTTP clients belong to the loop they were made on, and must survive from one invocation to the next.
Mangum runs on the process's current event loop too, so everything shares this one.
"""

import asyncio
from collections.abc import Coroutine
from functools import cache


@cache
def event_loop() -> asyncio.AbstractEventLoop:
    """The process's event loop, made at the first call and set as the current one."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop


def run[T](coroutine: Coroutine[None, None, T]) -> T:
    """Run a coroutine to its end on the process's event loop: how a Lambda handler calls a use case."""
    return event_loop().run_until_complete(coroutine)
