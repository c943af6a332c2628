"""How an edition differs from the one in force, and what speaks against taking it.

Prices decide about money, so an edition is taken as a whole or not at all. What is compared is what calls would cost:
names are looked up in both editions as the gateway does it, so that a clause which takes another model's names is seen.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import UTC, date, datetime, time
from typing import Any, Final

from integration.gateway.edition import Edition, Schedule
from integration.gateway.rates import ModelPrices, Rate, TierPrices
from integration.price_editions import canonical
from integration.price_tables.models import Difference

FACTOR: Final = 10
"""No price becomes more than so many times another one."""
SHRINKS: Final = 2
"""What a model can read or write becomes no less than a half of what it was: holds are made by it."""
MOST_VANISHED_PERCENT: Final = 5
"""Of all models that have a price."""
MOST_VANISHED_OF_PROVIDER_PERCENT: Final = 25
FEW: Final = 3
"""So many models may vanish, whatever share of a provider's they are."""

_TEXTS: Final = ("equals", "starts_with")
_SIZES: Final = ("max_output_tokens", "context_window")
_RATES: Final = [each.name for each in fields(TierPrices) if each.init]

type Tables = Mapping[str, Mapping[str, Any]]
type Names = Mapping[str, Mapping[str, list[str]]]
"""By provider and model those of its names that have a price."""


def difference(before: Tables, after: Tables) -> Difference:
    """Which models came, changed or went."""
    known, wanted = _entries(before), _entries(after)
    return Difference(
        added=sorted(wanted.keys() - known.keys()),
        changed=sorted(name for name in wanted.keys() & known.keys() if wanted[name] != known[name]),
        removed=sorted(known.keys() - wanted.keys()),
    )


def _edition_of(tables: Tables) -> Edition:
    """An edition of these tables, for looking names up."""
    return Edition("", datetime.min.replace(tzinfo=UTC), {name: canonical(each) for name, each in tables.items()}.get)


def objections(before: Tables, after: Tables, *, today: date) -> list[str]:
    """Everything that speaks against prices in place of others, one line each; empty when they can be taken."""
    old, new = _edition_of(before), _edition_of(after)
    priced = {
        provider: {entry["id"]: _names_with_price(old, provider, entry, today) for entry in table["models"]}
        for provider, table in before.items()
    }
    changed = [provider for provider, table in after.items() if table != before.get(provider)]
    return [
        *_vanished(priced, new, changed, today),
        *_absurd((old, before), (new, after), priced, changed, today),
    ]


def _entries(tables: Tables) -> dict[str, Any]:
    return {f"{provider}/{entry['id']}": entry for provider, table in tables.items() for entry in table["models"]}


def _vanished(priced: Names, new: Edition, changed: list[str], today: date) -> Iterator[str]:
    total, gone = 0, 0
    for provider, models in priced.items():
        known = {model: names for model, names in models.items() if names}
        lost = [
            model
            for model, names in known.items()
            if provider in changed and not all(new.schedule(provider, name, today) for name in names)
        ]
        total, gone = total + len(known), gone + len(lost)
        if len(lost) > FEW and len(lost) * 100 > len(known) * MOST_VANISHED_OF_PROVIDER_PERCENT:
            yield f"{provider}: {len(lost)} of {len(known)} models have no price any more: {', '.join(lost)}"
    if gone > FEW and gone * 100 > total * MOST_VANISHED_PERCENT:
        yield f"{gone} of {total} models have no price any more"


def _absurd(
    before: tuple[Edition, Tables], after: tuple[Edition, Tables], priced: Names, changed: list[str], today: date
) -> Iterator[str]:
    (old, known), (new, wanted) = before, after
    days = [today, *sorted(day for day in _days(known) | _days(wanted) if day > today)]
    dearest = _dearest(old, known, today)
    for provider in changed:
        for name in [name for names in priced.get(provider, {}).values() for name in names]:
            yield from _leaps(f"{provider}/{name}", old, new, (provider, name), days)
        for entry in wanted[provider]["models"]:
            yield from _too_dear(f"{provider}/{entry['id']}", old, new, (provider, entry["id"]), days, dearest)


def _too_dear(
    label: str, old: Edition, new: Edition, asked: tuple[str, str], days: list[date], dearest: Mapping[str, int]
) -> Iterator[str]:
    """Where a model that had no price costs more than a factor of whatever any model costs now."""
    for day in days:
        wanted = new.schedule(*asked, day)
        found = _beyond(wanted, dearest) if wanted is not None and old.schedule(*asked, day) is None else None
        if found is not None:
            yield f"{label} from {day}: {found}"
            return


def _leaps(label: str, old: Edition, new: Edition, asked: tuple[str, str], days: list[date]) -> Iterator[str]:
    """Where a price is more than a factor of what it was, at any time of today and of the days when prices change."""
    for day in days:
        known, wanted = old.schedule(*asked, day), new.schedule(*asked, day)
        if known is None or wanted is None or known.always is wanted.always:
            continue
        for moment in _moments(day, known, wanted):
            found = next(_farther(known.at(moment), wanted.at(moment)), None)
            if found is not None:
                yield f"{label} from {day}: {found}"
                return


def _farther(old: ModelPrices, new: ModelPrices) -> Iterator[str]:
    for name in _SIZES:
        was, becomes = getattr(old, name), getattr(new, name)
        if becomes * SHRINKS < was or becomes > was * FACTOR:
            yield f"{name} {was} -> {becomes}"
    for tier in sorted(old.tiers.keys() | new.tiers.keys()):
        before, after = old.tier(tier), new.tier(tier)
        for name in _RATES:
            was, becomes = getattr(before, name), getattr(after, name)
            for size in _sizes(was, becomes):
                was_each, each = _at(was, size), _at(becomes, size)
                if each > was_each * FACTOR or was_each > each * FACTOR:
                    yield f"{tier} {name} {was_each} -> {each} pico-dollars"


def _beyond(schedule: Schedule, dearest: Mapping[str, int]) -> str | None:
    """The first price that is more than a factor of the dearest one."""
    for prices in (schedule.always, *(prices for _, _, prices in schedule.hours)):
        for tier, rates in prices.tiers.items():
            for name in _RATES:
                each = _highest(getattr(rates, name))
                if each > dearest[name] * FACTOR:
                    return f"{tier} {name} {each} pico-dollars, where no model costs more than {dearest[name]}"
    return None


def _dearest(edition: Edition, tables: Tables, today: date) -> dict[str, int]:
    dearest = dict.fromkeys(_RATES, 0)
    for provider, table in tables.items():
        for entry in table["models"]:
            schedule = edition.schedule(provider, entry["id"], today)
            for rates in schedule.always.tiers.values() if schedule else ():
                for name in _RATES:
                    dearest[name] = max(dearest[name], _highest(getattr(rates, name)))
    return dearest


def _names_with_price(edition: Edition, provider: str, entry: Mapping[str, Any], day: date) -> list[str]:
    """The names of a model that its clause spells out, and its id, as far as they have a price."""
    if not entry["prices"]:
        return []
    names = dict.fromkeys((entry["id"], *_spelled(entry["match"])))
    return [name for name in names if edition.schedule(provider, name, day)]


def _spelled(clause: Mapping[str, Any]) -> Iterator[str]:
    for kind, value in clause.items():
        if kind in _TEXTS:
            yield value
        elif isinstance(value, list):
            for part in value:
                yield from _spelled(part)


def _days(tables: Tables) -> set[date]:
    """The days on which prices change."""
    starts = (price["from"] for table in tables.values() for entry in table["models"] for price in entry["prices"])
    return {date.fromisoformat(start) for start in starts if start is not None}


def _moments(day: date, *schedules: Schedule) -> list[datetime]:
    minutes = {0} | {minute for each in schedules for start, end, _ in each.hours for minute in (start, end)}
    return [datetime.combine(day, time(minute // 60, minute % 60), UTC) for minute in sorted(minutes)]


def _sizes(*rates: Rate | int) -> set[int]:
    """How large calls are that tell the steps of rates apart."""
    return {0} | {start + 1 for rate in rates if isinstance(rate, Rate) for start, _ in rate.steps}


def _at(rate: Rate | int, size: int) -> int:
    return rate.at(size) if isinstance(rate, Rate) else rate


def _highest(rate: Rate | int) -> int:
    return rate.highest if isinstance(rate, Rate) else rate
