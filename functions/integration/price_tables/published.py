"""What genai-prices publishes, as far as it is read here.

Source: `prices/new_data/v2/data.json` and its schema in https://github.com/pydantic/genai-prices, which
`UpdatePrices` of the package fetches too. Fields that are not named here are for others and are ignored; what is named
here and looks otherwise makes the whole document malformed.
"""

import json
import re
from datetime import UTC, date, time
from decimal import Decimal
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from integration.price_tables.models import PricesMalformed
from llmo_core.model import OpenModel

# Those that a connection can be made to (integration.provider_kinds), as genai-prices names them; others are not read.
PROVIDERS: Final = (
    "anthropic",
    "aws",
    "azure",
    "deepseek",
    "google",
    "groq",
    "mistral",
    "openai",
    "openrouter",
    "together",
    "x-ai",
)
# Patterns run against names that callers choose, so none may take long: no repeated groups, and few repetitions.
_LONGEST_PATTERN: Final = 200
_MOST_ENDLESS: Final = 1
_MOST_OPTIONAL: Final = 4
_LITERALS: Final = re.compile(r"\\.|\[[^\]]*\]")
_REPEATED_GROUP: Final = re.compile(r"\)[*+{]")
_ENDLESS: Final = re.compile(r"[*+]|\{\d*,\}")
_OPTIONAL: Final = re.compile(r"(?<!\()\?|\{\d*,\d+\}")


def _harmless(pattern: str) -> str:
    """A pattern that takes no long time on any name. Raises ValueError."""
    bare = _LITERALS.sub("x", pattern)
    if (
        _REPEATED_GROUP.search(bare)
        or len(_ENDLESS.findall(bare)) > _MOST_ENDLESS
        or len(_OPTIONAL.findall(bare)) > _MOST_OPTIONAL
    ):
        raise ValueError("the pattern repeats too much")
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from error
    return pattern


def _of_utc(moment: time) -> time:
    if moment.tzinfo != UTC:
        raise ValueError("hours are those of UTC")
    return moment


type Text = Annotated[str, Field(min_length=1, max_length=300)]
type Amount = Annotated[Decimal, Field(ge=0, le=100_000_000, max_digits=30)]
type _Hour = Annotated[time, AfterValidator(_of_utc)]
type _Pattern = Annotated[str, Field(min_length=1, max_length=_LONGEST_PATTERN), AfterValidator(_harmless)]


class Clause(OpenModel):
    """Which names of models are meant: exactly one of these."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    any_of: "list[Clause] | None" = Field(None, alias="or", min_length=1)
    all_of: "list[Clause] | None" = Field(None, alias="and", min_length=1)
    equals: Text | None = None
    starts_with: Text | None = None
    ends_with: Text | None = None
    contains: Text | None = None
    regex: _Pattern | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("a clause says exactly one thing")
        return self


class Tier(OpenModel):
    """The price of calls with more input tokens than `start`."""

    start: Annotated[int, Field(ge=0, strict=True)]
    price: Amount


class TieredPrices(OpenModel):
    """A price that depends on how large a call is."""

    base: Amount
    tiers: list[Tier]


class Constraint(OpenModel):
    """From which day on, or at which time of every day."""

    model_config = ConfigDict(extra="forbid")

    start_date: date | None = None
    start_time: _Hour | None = None
    end_time: _Hour | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if self.model_fields_set not in ({"start_date"}, {"start_time", "end_time"}):
            raise ValueError("a constraint is a day or a time of day")
        return self


type Prices = dict[str, Amount | TieredPrices | None]


class ConditionalPrices(OpenModel):
    """Prices, and when they are in force."""

    constraint: Constraint | None = None
    prices: Prices


class PriceVariant(ConditionalPrices):
    """Prices of calls that are made in a way of their own: a service tier, a batch."""

    when: dict[str, str] = Field(min_length=1)


class PublishedModel(OpenModel):
    """A model."""

    id: Text
    match: Clause
    context_window: Annotated[int, Field(gt=0, strict=True)] | None = None
    prices: Prices | list[ConditionalPrices]
    price_variants: list[PriceVariant] | None = None


class PublishedProvider(OpenModel):
    """A provider with its models."""

    id: Text
    fallback_model_providers: list[str] | None = None
    models: list[PublishedModel]


_DOCUMENT: Final = TypeAdapter(list[PublishedProvider])
_ENTRIES: Final = TypeAdapter(list[dict[str, Any]])


def read(text: bytes) -> list[PublishedProvider]:
    """The providers that are read, with prices that are exactly those of the text. Raises PricesMalformed."""
    try:
        document = json.loads(text, parse_float=Decimal, parse_constant=_no_number)
        entries = _ENTRIES.validate_python(document)
        return _DOCUMENT.validate_python([entry for entry in entries if entry.get("id") in PROVIDERS])
    except (ValueError, RecursionError) as error:
        raise PricesMalformed(_reason(error)) from error


def _no_number(name: str) -> Any:  # noqa: ANN401 - what json.loads asks for
    raise ValueError(f"{name} is no price")


def _reason(error: Exception) -> str:
    """What is wrong, with the place of the first mistake."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        return f"{error.error_count()} mistakes, the first at {place}: {first['msg']}"
    return f"{type(error).__name__}: {error}"
