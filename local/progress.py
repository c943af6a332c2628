"""What `make dev` says while it starts: one line per part, with the seconds it took."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_WIDTH = 52


class Progress:
    """Prints progress lines.

    Args:
        output: Where to; tests give their own.
    """

    def __init__(self, output: TextIO | None = None) -> None:
        self._output = output or sys.stdout
        self._began = time.monotonic()

    def say(self, line: str) -> None:
        """Print a line."""
        print(line, file=self._output, flush=True)

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Print a part's name and how long it took, or that it failed."""
        began = time.monotonic()
        try:
            yield
        except BaseException:
            self.say(f"  ✗ {what}")
            raise
        self.say(f"  ✓ {what:<{_WIDTH}} {time.monotonic() - began:5.1f} s")

    @property
    def seconds(self) -> float:
        """Seconds since it was made."""
        return time.monotonic() - self._began
