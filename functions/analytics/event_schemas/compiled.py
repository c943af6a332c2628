"""Checking properties against a schema, with jsonschema-rs.

Patterns are run by an engine whose time is linear in the text; it has no lookaround and no backreferences.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import orjson
from jsonschema_rs import Draft202012Validator, RegexOptions

from analytics.event_schemas.models import EventSchema, Mode, UnsupportedSchema

_MOST_COMPILED: Final = 500
_MOST_VIOLATIONS: Final = 5
_REGEX_BYTES: Final = 1024 * 1024
_MASK: Final = "the value"  # what is wrong is kept with the event and shown to operators: not what it said


def check(document: Mapping[str, Any]) -> None:
    """Raise UnsupportedSchema for what no properties can be checked against."""
    _validator(orjson.dumps(document))


class CompiledSchema:
    """A published schema, ready to check."""

    def __init__(self, schema: EventSchema) -> None:
        self.version = schema.version
        self.enforced = schema.mode is Mode.ENFORCE
        self._validator = _validator(orjson.dumps(schema.document))

    def violations(self, properties: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """What does not fit, at most five things: a JSON pointer, and what is wrong there without the value."""
        found = []
        for error in self._validator.iter_errors(dict(properties)):
            pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in error.instance_path)
            found.append((pointer, error.message[:_LONGEST]))
            if len(found) == _MOST_VIOLATIONS:
                break
        return found


_LONGEST: Final = 300


@lru_cache(maxsize=_MOST_COMPILED)
def _validator(document: bytes) -> Draft202012Validator:
    try:
        return Draft202012Validator(
            orjson.loads(document),
            validate_formats=True,
            pattern_options=RegexOptions(size_limit=_REGEX_BYTES, dfa_size_limit=_REGEX_BYTES),
            mask=_MASK,
            offline=True,
        )
    except ValueError as error:
        raise UnsupportedSchema(f"No event can be checked against this: {str(error)[:_LONGEST]}") from error
