"""The faults that a caller of the fake upstream asks for, written into its last user message."""

import re
from dataclasses import dataclass

_DIRECTIVE = re.compile(r"\[\[(\w+)(?:=([\d.]+))?]]")


@dataclass(frozen=True, slots=True)
class Faults:
    """What one request asked for.

    Attributes:
        status: `[[status=429]]`: answer with this error; 429 and 503 carry `retry-after: 1`.
        delay: `[[delay=0.3]]`: seconds before the first byte.
        pace: `[[pace=0.01]]`: seconds between chunks.
        chunks: `[[chunks=50]]`: exactly this many content chunks, one token each.
        stall: `[[stall]]`: after three chunks nothing more comes, until the caller goes.
        drop_after: `[[drop_after=3]]`: the connection is closed after this many chunks; a plain answer never comes.
        no_usage: `[[no_usage]]`: usage is not reported at all.
        cached: `[[cached=40]]`: this many prompt tokens were cached, at most all.
        reasoning: `[[reasoning=16]]`: this many more completion tokens, for reasoning.
        malformed: `[[malformed]]`: the answer, or one chunk in the middle of it, is not JSON.
    """

    status: int | None = None
    delay: float = 0.0
    pace: float = 0.0
    chunks: int | None = None
    stall: bool = False
    drop_after: int | None = None
    no_usage: bool = False
    cached: int = 0
    reasoning: int = 0
    malformed: bool = False


def parse_faults(message: str) -> Faults:
    """Read the directives in a message; unknown ones mean nothing."""
    found: dict[str, str] = dict(_DIRECTIVE.findall(message))

    def number(name: str) -> int | None:
        return int(found[name]) if found.get(name) else None

    return Faults(
        status=number("status"),
        delay=float(found.get("delay") or 0),
        pace=float(found.get("pace") or 0),
        chunks=number("chunks"),
        stall="stall" in found,
        drop_after=number("drop_after"),
        no_usage="no_usage" in found,
        cached=number("cached") or 0,
        reasoning=number("reasoning") or 0,
        malformed="malformed" in found,
    )
