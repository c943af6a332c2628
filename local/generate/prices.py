"""Writes the gateway's packaged price tables, one for each provider, from the genai-prices package."""

import json
from collections.abc import Iterator
from datetime import UTC
from decimal import Decimal
from importlib.metadata import version
from typing import Any

from genai_prices import data_snapshot, types

from integration.price_tables.conversion import convert
from integration.price_tables.published import read

# When a version of the package was published, by its upload time at PyPI: the packaged prices are of that day, and
# those that a refresh finds later count in their place.
_PUBLISHED = {"0.2.3": "2026-11-10"}


def files() -> Iterator[tuple[str, str]]:
    """Every file of the table with its text; the same version of the package always gives the same."""
    installed = version("genai-prices")
    if installed not in _PUBLISHED:
        message = f"say in {__name__} when genai-prices {installed} was published"
        raise LookupError(message)
    yield "edition.json", _text({"version": f"genai-prices {installed}", "date": _PUBLISHED[installed]})
    for provider, table in convert(read(json.dumps(document()).encode())).items():
        yield f"{provider}.json", _text(table)


def document() -> list[dict[str, Any]]:
    """The package's data in the shape that genai-prices publishes it in, as far as that is read."""
    return [
        {
            "id": provider.id,
            "fallback_model_providers": provider.fallback_model_providers,
            "models": [_model(model) for model in provider.models],
        }
        for provider in data_snapshot.get_snapshot().providers
    ]


def _text(content: object) -> str:
    return json.dumps(content, indent=1) + "\n"


def _model(model: types.ModelInfo) -> dict[str, Any]:
    prices = model.prices
    variants = [{"when": variant.when, **_conditional(variant)} for variant in model.price_variants or ()]
    return {
        "id": model.id,
        "match": _clause(model.match),
        "context_window": model.context_window,
        "prices": _prices(prices) if isinstance(prices, types.ModelPrice) else [_conditional(each) for each in prices],
        **({"price_variants": variants} if variants else {}),
    }


def _conditional(entry: types.ConditionalPrice | types.PriceVariant) -> dict[str, Any]:
    constraint = _constraint(entry.constraint)
    return {**({"constraint": constraint} if constraint else {}), "prices": _prices(entry.prices)}


def _constraint(constraint: types.StartDateConstraint | types.TimeOfDateConstraint | None) -> dict[str, str] | None:
    match constraint:
        case None:
            return None
        case types.StartDateConstraint(start_date=day):
            return {"start_date": day.isoformat()}
        case types.TimeOfDateConstraint(start_time=start, end_time=end) if start.tzinfo == end.tzinfo == UTC:
            return {"start_time": start.isoformat(), "end_time": end.isoformat()}
    message = f"the gateway's price table cannot express {constraint!r}"
    raise TypeError(message)


def _prices(prices: types.ModelPrice) -> dict[str, Any]:
    return {name: _price(value) for name, value in vars(prices).items() if value is not None}


def _price(price: Decimal | types.TieredPrices) -> Any:  # noqa: ANN401 - a JSON number or an object
    if isinstance(price, types.TieredPrices):
        tiers = [{"start": tier.start, "price": _number(tier.price)} for tier in price.tiers]
        return {"base": _number(price.base), "tiers": tiers}
    return _number(price)


def _number(amount: Decimal) -> float:
    """The JSON number with the same digits. Raises ValueError when there is none."""
    number = float(amount)
    if Decimal(repr(number)) != amount:
        message = f"{amount} has too many digits for JSON"
        raise ValueError(message)
    return number


def _clause(clause: Any) -> dict[str, Any]:  # noqa: ANN401 - genai-prices gives a union of its clause classes
    match clause:
        case types.ClauseOr():
            return {"or": [_clause(part) for part in clause.or_]}
        case types.ClauseAnd():
            return {"and": [_clause(part) for part in clause.and_]}
    return dict(vars(clause))
