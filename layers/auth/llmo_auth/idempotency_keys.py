"""`Idempotency-Key`: what it looks like, what is documented of it, and how its misuse is refused."""

from collections.abc import Mapping
from typing import Any

from llmo_core.errors import Invalid, Unprocessable
from llmo_core.http.problems import MEDIA_TYPE

HEADER = "Idempotency-Key"
REPLAY_HEADER = "x-llmo-idempotent-replay"
_MAX_KEY_LENGTH = 255
_PROBLEM = {MEDIA_TYPE: {"schema": {"type": "object"}}}

PARAMETER: Mapping[str, Any] = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "Any text of the client's own, new for each request that is not a repetition. For 24 hours a "
    "repetition under the same key gets the first answer, with the header "
    f"`{REPLAY_HEADER}: true`, and has no effect of its own. What failed may be repeated.",
    "schema": {"type": "string", "minLength": 1, "maxLength": _MAX_KEY_LENGTH},
}
"""OpenAPI's parameter of a POST that takes one."""

RESPONSES: Mapping[int | str, dict[str, Any]] = {
    400: {"description": f"A value makes no sense here, or the {HEADER} is malformed.", "content": _PROBLEM},
    409: {"description": f"A request with this {HEADER} is under way; see `Retry-After`.", "content": _PROBLEM},
    422: {
        "description": f"The body is malformed, or differs from that of the first request with this {HEADER}.",
        "content": _PROBLEM,
    },
}
"""What such a POST may refuse."""

REPLAYED: Mapping[str, Any] = {REPLAY_HEADER: {"description": "`true` on a repetition.", "schema": {"type": "string"}}}
"""The header of its answers."""


class MalformedIdempotencyKey(Invalid):
    """An Idempotency-Key has 1 to 255 printable ASCII characters."""


class IdempotencyKeyReused(Unprocessable):
    """An earlier request with this Idempotency-Key was another one."""


def check(key: str) -> None:
    """Raise MalformedIdempotencyKey unless it is one."""
    if not (0 < len(key) <= _MAX_KEY_LENGTH and key.isascii() and key.isprintable()):
        raise MalformedIdempotencyKey
