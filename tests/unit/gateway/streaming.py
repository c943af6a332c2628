"""Streams of events, as providers send them."""

from typing import Any

import orjson


def events(*bodies: Any) -> bytes:
    return b"".join(b"data: " + orjson.dumps(body) + b"\n\n" for body in bodies)
