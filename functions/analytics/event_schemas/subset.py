"""The part of JSON Schema (2020-12) that events can be checked against.

Left out is what reaches outside of the document or grows faster than what it checks: references, conditions and
combinations. `additionalProperties` is left out because properties that a schema does not know are always kept.
"""

from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

import orjson

from analytics.event_schemas.models import UnsupportedSchema

MOST_BYTES: Final = 32 * 1024
_DEEPEST: Final = 8
_ANNOTATIONS: Final = frozenset({"title", "description", "examples", "default", "$comment"})
_ASSERTIONS: Final = frozenset(
    {
        *("type", "enum", "const", "required", "format", "pattern"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
    }
)
KEYWORDS: Final = _ANNOTATIONS | _ASSERTIONS | {"properties", "items"}


def check(document: Mapping[str, Any]) -> None:
    """Raise UnsupportedSchema for what is outside of the subset; what its keywords say is not looked at."""
    try:
        size = len(orjson.dumps(document))
    except TypeError as error:
        raise UnsupportedSchema("The schema holds what no JSON text can hold.") from error
    if size > MOST_BYTES:
        raise UnsupportedSchema(f"A schema has {MOST_BYTES} bytes at most.")
    if not _finite(document):
        raise UnsupportedSchema("The schema holds a number that no JSON text can hold.")
    if document.get("type", "object") != "object":
        raise UnsupportedSchema("Properties are an object: the schema's `type` is `object`.")
    _check(document, place="", depth=1)


def _finite(value: object) -> bool:
    """Whether all numbers are ones that JSON has."""
    match value:
        case float():
            return isfinite(value)
        case Mapping():
            return all(map(_finite, value.values()))
        case list():
            return all(map(_finite, value))
        case _:
            return True


def _check(document: object, *, place: str, depth: int) -> None:
    if not isinstance(document, Mapping):
        raise UnsupportedSchema(f"There is no schema at {place}.")
    if depth > _DEEPEST:
        raise UnsupportedSchema(f"Schemas are {_DEEPEST} deep at most.")
    for keyword in document:
        if keyword not in KEYWORDS:
            raise UnsupportedSchema(f"{place}/{keyword} is none of the keywords {', '.join(sorted(KEYWORDS))}.")
    if "items" in document:
        _check(document["items"], place=f"{place}/items", depth=depth + 1)
    properties = document.get("properties", {})
    if not isinstance(properties, Mapping):
        raise UnsupportedSchema(f"{place}/properties is no object.")
    for name, schema in properties.items():
        _check(schema, place=f"{place}/properties/{name}", depth=depth + 1)
