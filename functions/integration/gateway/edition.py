"""One edition of the price tables: what models cost, by the names that their providers give them.

A provider's table is read at its first call. The packaged edition is in `prices/`, generated from the genai-prices
package (`make generate`); later ones come from `integration.price_refresh`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, Final

import orjson

from integration import price_editions
from integration.gateway.metering import Unit
from integration.gateway.rates import ModelPrices, Rate, TierPrices
from llmo_core.money import to_pico

_PRICED_TOGETHER = 1_000_000  # tokens, characters


@dataclass(frozen=True, slots=True)
class Schedule:
    """A day's prices, and those of some of its hours: (from minute, to minute, prices); the last one counts."""

    always: ModelPrices
    hours: tuple[tuple[int, int, ModelPrices], ...] = ()

    def at(self, moment: datetime) -> ModelPrices:
        """The prices at a moment of the day."""
        if not self.hours:
            return self.always
        utc = moment.astimezone(UTC)
        minute = utc.hour * 60 + utc.minute
        return next(
            (prices for start, end, prices in reversed(self.hours) if _between(minute, start, end)), self.always
        )


def _between(minute: int, start: int, end: int) -> bool:
    return start <= minute < end if start <= end else minute >= start or minute < end


class Edition:
    """Prices of one date, which never change.

    Args:
        version: Names it in usage events.
        dated: As of when these prices are the providers'.
        table: A provider's table as JSON, by the provider's id; None where there is none.
    """

    def __init__(self, version: str, dated: datetime, table: Callable[[str], bytes | None]) -> None:
        self.version = version
        self.dated = dated
        self._text = table
        self._tables: dict[str, Mapping[str, Any] | None] = {}
        self.schedule = lru_cache(maxsize=4096)(self._schedule)

    def _schedule(self, provider: str, model: str, day: date) -> Schedule | None:
        """What a model costs on a day; some providers sell those of others too, at the same prices."""
        table = self._table(provider)
        if table is None:
            return None
        name = model.lower()
        entry = next((entry for entry in table["models"] if _matches(entry["match"], name)), None)
        if entry is None:
            resold = (self.schedule(other, model, day) for other in table["priced_as"])
            return next((schedule for schedule in resold if schedule is not None), None)
        return _effective(entry, day, self.version) if entry["prices"] else None

    def _table(self, provider: str) -> Mapping[str, Any] | None:
        if provider not in self._tables:
            text = self._text(provider)
            self._tables[provider] = None if text is None else orjson.loads(text)
        return self._tables[provider]


@cache
def packaged() -> Edition:
    """The edition that this deployment came with."""
    edition = price_editions.packaged()
    return Edition(edition.version, edition.dated, price_editions.packaged_table)


_CLAUSES: Final[Mapping[str, Callable[[str, Any], bool]]] = {
    "or": lambda name, parts: any(_matches(part, name) for part in parts),
    "and": lambda name, parts: all(_matches(part, name) for part in parts),
    "equals": lambda name, text: bool(name == text),
    "starts_with": lambda name, text: name.startswith(text),
    "ends_with": lambda name, text: name.endswith(text),
    "contains": lambda name, text: text in name,
    "regex": lambda name, pattern: re.search(pattern, name) is not None,
}


def _matches(clause: Mapping[str, Any], name: str) -> bool:
    ((kind, value),) = clause.items()
    return _CLAUSES[kind](name, value)


def _effective(entry: Mapping[str, Any], day: date, version: str) -> Schedule:
    """The prices that are in force on a day: per tier the last one whose start date has come."""
    unit = Unit(entry.get("unit", Unit.TOKENS))
    tiers: dict[str, TierPrices] = {}
    hours: list[tuple[int, int, dict[str, TierPrices]]] = []
    for price in entry["prices"]:
        if price["from"] is not None and datetime.fromisoformat(price["from"]).date() > day:
            continue
        if "daily" in price:
            start, end = price["daily"]
            hours.append((start, end, {price["tier"]: tier_prices(price, unit)}))
        else:
            tiers[price["tier"]] = tier_prices(price, unit)

    def model(changed: Mapping[str, TierPrices]) -> ModelPrices:
        return ModelPrices({**tiers, **changed}, entry["max_output_tokens"], entry["context_window"], version, unit)

    return Schedule(model({}), tuple((start, end, model(changed)) for start, end, changed in hours))


def tier_prices(price: Mapping[str, Any], unit: Unit) -> TierPrices:
    """The prices of a tier, from its entry in a table."""
    match unit:
        case Unit.FREE:
            return TierPrices()
        case Unit.CHARACTERS:
            return TierPrices(character=_pico_each(price["characters"]))
        case Unit.SECONDS:
            return TierPrices(audio_hour=to_pico(Decimal(price["audio_hours"])))
    given, produced = price["input"], price["output"]
    return TierPrices(
        input=_rate(given),
        cached_input=_rate(price["cached_input"]),
        cache_write=_rate(price.get("cache_write", given)),
        audio_input=_rate(price.get("audio_input", given)),
        image_input=_rate(price.get("image_input", given)),
        output=_rate(produced),
        audio_output=_rate(price.get("audio_output", produced)),
        image_output=_rate(price.get("image_output", produced)),
    )


def _rate(steps: list[list[Any]]) -> Rate:
    (_, base), *rest = ((int(start), _pico_each(text)) for start, text in steps)
    return Rate(base, tuple(rest))


def _pico_each(dollars_per_million: str) -> int:
    return to_pico(Decimal(dollars_per_million) / _PRICED_TOGETHER)
