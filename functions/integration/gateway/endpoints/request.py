"""The body of a request, and reading its fields: each reader raises InvalidCall naming the field at fault."""

from collections.abc import Buffer, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

import orjson

from integration.gateway.endpoints.places import Slot, paths, texts_at
from integration.gateway.errors import InvalidCall
from integration.gateway.usage import Json

JSON: Final = "application/json"
_MOST_ANSWERS: Final = 128
# They change who is billed or how the answer is delivered, but not what it says.
_NOT_IN_IDENTITY: Final = frozenset(("stream_options", "user", "metadata", "safety_identifier", "prompt_cache_key"))


class Request(Protocol):
    """A body."""

    @property
    def raw(self) -> bytes:
        """As it came."""
        ...

    @property
    def content_type(self) -> str:
        """What it is sent on as."""
        ...

    @property
    def fields(self) -> Json:
        """Its fields; without the contents of files."""
        ...

    @property
    def text(self) -> bytes:
        """Its fields as JSON."""
        ...

    def renamed(self, model: str) -> bytes:
        """The same for a provider that calls the model so."""
        ...

    def identity(self) -> Iterable[Buffer]:
        """What makes it differ from others, in pieces."""
        ...


@dataclass(frozen=True, slots=True)
class JsonRequest:
    """A JSON object."""

    raw: bytes
    fields: Json
    content_type: str = JSON

    @property
    def text(self) -> bytes:
        """Its fields as JSON."""
        return self.raw

    def renamed(self, model: str) -> bytes:
        """The same for a provider that calls the model so."""
        return orjson.dumps({**self.fields, "model": model})

    def identity(self) -> Iterator[bytes]:
        """Its fields in a fixed order, without those that make no difference to the answer."""
        kept = {name: value for name, value in self.fields.items() if name not in _NOT_IN_IDENTITY}
        yield orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)

    def changed(self, fields: Mapping[str, Any]) -> "JsonRequest":
        """The same with some other fields."""
        body = {**self.fields, **fields}
        return JsonRequest(orjson.dumps(body), body)


def read_json(raw: bytes) -> JsonRequest:
    """The JSON object in a body."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InvalidCall(f"We could not parse the JSON body of your request: {error}.", code="invalid_json") from error
    if not isinstance(body, dict):
        raise InvalidCall("The body of your request must be a JSON object.", code="invalid_json")
    return JsonRequest(raw, body)


def flag(fields: Json, name: str) -> bool:
    """A field that is true or false; false when it is missing."""
    value = fields.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise InvalidCall(f"'{name}' must be true or false.", param=name)


def text(fields: Json, name: str) -> str | None:
    """A field that is a text."""
    value = fields.get(name)
    if value is None or isinstance(value, str):
        return value
    raise InvalidCall(f"'{name}' must be a string.", param=name)


def required_text(fields: Json, name: str) -> str:
    """A field that is a text and must be there."""
    value = text(fields, name)
    if value is None:
        raise missing(name)
    if not value:
        raise InvalidCall(f"'{name}' must not be empty.", param=name)
    return value


def count(fields: Json, name: str, *, least: int = 1, most: int | None = None) -> int | None:
    """A field that is a whole number."""
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidCall(f"'{name}' must be an integer of at least {least}.", param=name)
    if most is not None and value > most:
        raise InvalidCall(f"'{name}' must be an integer of at most {most}.", param=name)
    return value


def answers(fields: Json, name: str = "n") -> int:
    """How many answers a call wants: one when it does not say.

    OpenAI takes up to 128; a larger number would only make a hold that no budget has.
    """
    return count(fields, name, most=_MOST_ANSWERS) or 1


def some(fields: Json, name: str) -> str | list[Any]:
    """A field that is a text or a list, and not empty."""
    value = fields.get(name)
    if value is None:
        raise missing(name)
    if not isinstance(value, str | list) or not value:
        raise InvalidCall(f"'{name}' must be a non-empty string or array.", param=name)
    return value


def objects(fields: Json, name: str) -> list[dict[str, Any]]:
    """A field that is a list of objects; empty when it is missing."""
    value = fields.get(name) or []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise InvalidCall(f"'{name}' must be an array of objects.", param=name)
    return value


def texts_or_refusal(fields: Json, name: str) -> list[Slot]:
    """The texts in a field that may be tokens as well. Raises InvalidCall for tokens: nobody can look at them."""
    given = fields.get(name)
    if isinstance(given, list) and not all(isinstance(entry, str) for entry in given):
        message = f"Your organization has guardrails that look at texts: send '{name}' as text, not as tokens."
        raise InvalidCall(message, param=name, code="unsupported_value")
    return [*texts_at(fields, paths(name))]


def missing(name: str) -> InvalidCall:
    """The refusal of a body without a field that must be there."""
    return InvalidCall(f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter")


not_metered = partial(InvalidCall, code="unsupported_parameter")
"""The refusal of a field that asks for what cannot be metered."""
