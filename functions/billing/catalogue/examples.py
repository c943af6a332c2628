"""Examples of meters, and of plans with every kind of price, for the API's document."""

from typing import Any, Final

type Example = dict[str, Any]
type Examples = dict[str, Any]


def _version(*charges: Example, **others: object) -> Example:
    return {"currency": "USD", "cadence": {"interval": "month"}, "charges": list(charges), **others}


def _usage(code: str, meter: str, price: Example, **others: str) -> Example:
    return {
        "code": code,
        "name": code.replace("_", " ").capitalize(),
        "basis": "usage",
        "meter": meter,
        "price": price,
    } | others


_FEE: Final = {"code": "base", "name": "Base fee", "basis": "recurring", "price": {"kind": "flat", "amount": "20"}}
_SEATS: Final = {
    "code": "seats",
    "name": "Seats",
    "basis": "seats",
    "price": {"kind": "per_unit", "unit_price": "5"},
    "included": "2",
}
_TIERS: Final = [
    {"up_to": "1000000", "unit_price": "0.000002"},
    {"up_to": "10000000", "unit_price": "0.0000015", "flat_fee": "1"},
    {"up_to": None, "unit_price": "0.000001"},
]

_VERSIONS: Final[dict[str, tuple[str, Example]]] = {
    "flat": ("A fee for each month, after a trial of two weeks", _version(_FEE, trial_days=14)),
    "per_unit": (
        "Seats beyond the two included, and a price for each call beyond a thousand",
        _version(_FEE, _SEATS, _usage("calls", "calls", {"kind": "per_unit", "unit_price": "0.001"}, included="1000")),
    ),
    "package": (
        "A price for each started thousand calls, of which there are a hundred thousand in a month at most",
        _version(
            _usage("calls", "calls", {"kind": "package", "size": "1000", "package_price": "0.9"}),
            features=[
                {"code": "calls", "name": "Calls", "limit": "100000", "meter": "calls"},
                {"code": "single-sign-on", "name": "Single sign-on"},
            ],
        ),
    ),
    "graduated": (
        "Tokens, each at the price of the tier that it lies in",
        _version(_usage("tokens", "tokens", {"kind": "graduated", "tiers": _TIERS})),
    ),
    "volume": (
        "Tokens, all at the price of the tier that the last one lies in, billed once a year",
        _version(_usage("tokens", "tokens", {"kind": "volume", "tiers": _TIERS}))
        | {"cadence": {"interval": "year", "count": 1}},
    ),
    "percentage": (
        "A share of what the calls cost, five dollars at least and five hundred at most",
        _version(
            _usage(
                "fee", "cost", {"kind": "percentage", "percent": "2.5", "fixed_fee": "0", "minimum": "5", "cap": "500"}
            )
        ),
    ),
    "pass_through": (
        "What the calls cost with a tenth on top, in euros",
        _version(_usage("llm", "cost", {"kind": "pass_through", "markup_percent": "10", "usd_rate": "0.92"}))
        | {"currency": "EUR"},
    ),
}

VERSIONS: Final[Examples] = {
    kind: {"summary": summary, "value": version} for kind, (summary, version) in _VERSIONS.items()
}
"""Versions of plans by the kind of price that they show."""

PLANS: Final[Examples] = {
    kind: {
        "summary": summary,
        "value": {
            "code": f"team-{kind.replace('_', '-')}",
            "name": "Team",
            "description": summary,
            "offered": True,
            "version": version,
        },
    }
    for kind, (summary, version) in _VERSIONS.items()
}
"""Plans by the kind of price that they show."""

PREVIEW: Final[Example] = {
    "version": _VERSIONS["graduated"][1],
    "quantities": {"tokens": "12500000"},
    "starts_on": "2027-01-01",
    "taxation": {"behavior": "exclusive", "rates": [{"code": "vat", "name": "VAT", "percent": "19"}]},
}
"""What so many tokens would cost."""

METERS: Final[Examples] = {
    "sum": {
        "summary": "Tokens of two models, in and out",
        "value": {
            "code": "tokens",
            "name": "Tokens",
            "aggregation": "sum",
            "fields": ["input_tokens", "output_tokens"],
            "filters": [{"field": "model", "values": ["gpt-4o", "gpt-4o-mini"]}],
        },
    },
    "cost": {
        "summary": "What calls cost, to pass it on",
        "value": {"code": "cost", "name": "LLM cost", "aggregation": "sum", "fields": ["cost_usd"]},
    },
    "count": {"summary": "Calls", "value": {"code": "calls", "name": "Calls", "aggregation": "count"}},
    "max": {
        "summary": "The longest answer of one project",
        "value": {
            "code": "longest",
            "name": "Longest answer",
            "aggregation": "max",
            "fields": ["output_tokens"],
            "filters": [{"field": "project_id", "values": ["01980a5e-7c00-7000-8000-000000000002"]}],
        },
    },
    "unique": {
        "summary": "Different end users",
        "value": {"code": "end-users", "name": "End users", "aggregation": "unique", "fields": ["end_user"]},
    },
    "own": {
        "summary": "What events of one's own say",
        "value": {
            "code": "pages",
            "name": "Pages",
            "event": "page.rendered",
            "aggregation": "sum",
            "fields": ["pages"],
        },
    },
}
"""Meters by how they count."""
