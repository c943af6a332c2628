"""What an event carries besides its name: any JSON object within bounds, and how it is kept.

No text of a client's is ever a key in the store. The object is kept as canonical JSON; what queries can look for are
its top-level scalars, each as the text of one JSON array, `["plan","pro"]`, which no value can be mistaken in.
"""

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Final

import orjson

MOST_KEYS: Final = 100
DEEPEST: Final = 4
MOST_BYTES: Final = 32 * 1024
MOST_TEXT: Final = 8 * 1024
LONGEST_KEY: Final = 200
LONGEST_SOUGHT: Final = 200
"""Characters of a text that queries can look for; longer ones are kept, and found by nothing."""

_INT64: Final = range(-(2**63), 2**63)

type Scalar = str | int | float | bool | None
type Json = str | int | float | bool | list[Json] | dict[str, Json] | None
type Properties = Mapping[str, Json]


def bounded(properties: dict[str, Json]) -> dict[str, Json]:
    """The same. Raises ValueError, which says what is over a bound, or is no JSON that every language reads alike."""
    keys = _keys_of(properties, depth=1)
    if keys > MOST_KEYS:
        raise ValueError(f"there are {MOST_KEYS} keys at most, in all objects together")
    if len(canonical(properties).encode()) > MOST_BYTES:
        raise ValueError(f"as JSON they have {MOST_BYTES} bytes at most")
    return properties


def canonical(properties: Properties) -> str:
    """As JSON: keys in order, no spaces. Raises ValueError for a lone surrogate, which is no text."""
    try:
        return orjson.dumps(properties, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError as error:
        raise ValueError("a text holds half of a character (a lone surrogate)") from error


def parsed(text: str) -> dict[str, Json]:
    """The object that `canonical` wrote."""
    found: dict[str, Json] = orjson.loads(text)
    return found


def pair(key: str, value: Scalar) -> str:
    """A property as queries look for it; 1 and 1.0 are the same number, as in JSON."""
    if isinstance(value, float) and value.is_integer() and int(value) in _INT64:
        value = int(value)
    return orjson.dumps([key, value]).decode()


def pairs(properties: Properties) -> tuple[str, ...]:
    """What queries can look for."""
    scalars = {key: value for key, value in properties.items() if not isinstance(value, list | dict)}
    return tuple(sorted(pair(key, value) for key, value in scalars.items() if _sought(value)))


def value_of(sought: str) -> tuple[str, Scalar]:
    """What `pair` wrote."""
    key, value = orjson.loads(sought)
    return key, value


def _sought(value: Scalar) -> bool:
    return not isinstance(value, str) or len(value) <= LONGEST_SOUGHT


def _keys_of(value: Json, *, depth: int) -> int:
    """How many keys there are below a value. Raises ValueError."""
    if isinstance(value, dict):
        for key in value:
            if not 0 < len(key) <= LONGEST_KEY:
                raise ValueError(f"a key has 1 to {LONGEST_KEY} characters")
        return len(value) + _below(iter(value.values()), depth)
    if isinstance(value, list):
        return _below(iter(value), depth)
    _check_scalar(value)
    return 0


def _below(values: Iterator[Json], depth: int) -> int:
    if depth > DEEPEST:
        raise ValueError(f"objects and lists are {DEEPEST} deep at most")
    return sum(_keys_of(value, depth=depth + 1) for value in values)


def _check_scalar(value: Scalar) -> None:
    if isinstance(value, float) and not isfinite(value):
        raise ValueError("NaN and Infinity are no JSON numbers")
    if isinstance(value, int) and value not in _INT64:
        raise ValueError("a whole number has 64 bits at most; write larger ones as text")
    if isinstance(value, str) and len(value.encode(errors="surrogatepass")) > MOST_TEXT:
        raise ValueError(f"a text has {MOST_TEXT} bytes at most")
