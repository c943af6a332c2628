"""Processes that are killed."""

from typing import Any


class Killed(BaseException):
    """The process is gone."""


class Mortal:
    """Lets everything through until a step, at which the process ends: before it or after it.

    Args:
        steps: What is counted; shared between the ports of one process.
    """

    def __init__(self, port: Any, steps: list[str], at: int, *, before: bool) -> None:
        self._port = port
        self._steps = steps
        self._at = at
        self._before = before

    def __getattr__(self, name: str) -> Any:
        step = getattr(self._port, name)

        async def mortal(*args: Any, **options: Any) -> Any:
            self._steps.append(name)
            last = len(self._steps) == self._at
            if last and self._before:
                raise Killed
            done = await step(*args, **options)
            if last:
                raise Killed
            return done

        return mortal
