"""What of usage is counted."""

from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from billing.fields import Code, Codes
from llmo_core.fields import Name
from llmo_core.model import Model

LLM_CALL: Final = "llm.call"
"""The name of the gateway's events, `llmo.integration.usage.recorded`; organizations' own events have others."""

NUMBERS: Final = frozenset(
    {
        "attempts",
        "audio_input_tokens",
        "audio_output_tokens",
        "audio_seconds",
        "cache_write_tokens",
        "cached_input_tokens",
        "characters",
        "cost_usd",
        "image_input_tokens",
        "image_output_tokens",
        "input_tokens",
        "output_tokens",
        "reasoning_tokens",
        "saved_usd",
        "spared_input_tokens",
    }
)
"""What can be added up of LLM calls. Kinds of tokens are fields; those of input and output include the finer ones."""

TEXTS: Final = frozenset(
    {
        "batch",
        "cache",
        "connection",
        "end_user",
        "endpoint",
        "estimated",
        "key_id",
        "model",
        "project_id",
        "prompt",
        "provider",
        "requested_model",
        "route",
        "status",
        "stream",
        "variant",
    }
)
"""What LLM calls can be told apart by, besides `tags.<name>`."""

_DOLLARS: Final = frozenset({"cost_usd", "saved_usd"})

MOST_FILTERS = 20
MOST_VALUES = 100
MOST_FIELDS = 10
LONGEST_VALUE = 256  # where the gateway cuts an end user's name

type FieldName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,99}$")]
type EventName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]{0,99}$")]


def _storable(values: frozenset[str]) -> frozenset[str]:
    if any(len(value) > LONGEST_VALUE for value in values):
        raise ValueError(f"a value has {LONGEST_VALUE} characters at most")
    if any("\0" in value for value in values):
        raise ValueError("a NUL character is no text")
    return values


class Aggregation(StrEnum):
    """How events are counted: their fields added up, how many there are, the largest, how many different ones."""

    SUM = "sum"
    COUNT = "count"
    MAX = "max"
    UNIQUE = "unique"


class Filter(Model):
    """Only events whose field has one of these values, compared as text; an event without the field has none."""

    field: FieldName
    values: Annotated[Codes, Field(min_length=1, max_length=MOST_VALUES), AfterValidator(_storable)]


class Meter(Model):
    """What is counted of the events of one name that pass all filters.

    Attributes:
        fields: What is added up of each event before `sum` and `max`: `input_tokens` and `output_tokens` count both
            kinds. One field of which `unique` counts the values; none of `count`.
    """

    code: Code
    name: Name
    event: EventName = LLM_CALL
    aggregation: Aggregation
    fields: Annotated[tuple[FieldName, ...], Field(max_length=MOST_FIELDS)] = ()
    filters: Annotated[tuple[Filter, ...], Field(max_length=MOST_FILTERS)] = ()

    @model_validator(mode="after")
    def _fields_of_the_aggregation(self) -> Self:
        if self.aggregation is Aggregation.COUNT and self.fields:
            raise ValueError("`count` counts events: it has no fields")
        if self.aggregation is Aggregation.UNIQUE and len(self.fields) != 1:
            raise ValueError("`unique` counts the values of one field")
        if self.aggregation in {Aggregation.SUM, Aggregation.MAX} and not self.fields:
            raise ValueError(f"`{self.aggregation}` needs a field")
        if len(set(self.fields)) < len(self.fields):
            raise ValueError("a field is counted once")
        return self

    @model_validator(mode="after")
    def _fields_of_llm_calls(self) -> Self:
        if self.event != LLM_CALL:
            return self
        counted, known = set(self.fields), TEXTS if self.aggregation is Aggregation.UNIQUE else NUMBERS
        told_apart = {condition.field for condition in self.filters}
        for wanted, there in ((counted, known), (told_apart, TEXTS)):
            for field in sorted(wanted - there):
                if there is NUMBERS or not field.startswith("tags."):
                    raise ValueError(f"LLM calls have no `{field}` for that, but {', '.join(sorted(there))}")
        return self

    @model_validator(mode="after")
    def _one_unit(self) -> Self:
        if self.event == LLM_CALL and 0 < len(_DOLLARS.intersection(self.fields)) < len(self.fields):
            raise ValueError("dollars and what is counted in other units do not add up")
        return self

    @property
    def in_dollars(self) -> bool:
        """Whether what it counts is an amount of US dollars."""
        return self.event == LLM_CALL and not _DOLLARS.isdisjoint(self.fields)
