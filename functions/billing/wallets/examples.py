"""Examples of wallets for the API's document."""

from typing import Any, Final

WALLET: Final[dict[str, Any]] = {
    "told": {
        "summary": "Somebody is told when less than 10 dollars are left",
        "value": {"currency": "USD", "name": "Prepaid", "low_balance": 1000},
    },
    "topped_up": {
        "summary": "With less than 10 dollars it is topped up with 50",
        "value": {"currency": "USD", "name": "Prepaid", "automatic_top_up": {"below": 1000, "amount": 5000}},
    },
}

CREDIT: Final[dict[str, Any]] = {
    "welcome": {
        "summary": "Twenty dollars until the end of the year",
        "value": {
            "currency": "USD",
            "amount": 2000,
            "reason": "Welcome to the platform",
            "expires_at": "2999-12-31T23:59:59Z",
        },
    }
}

TOP_UP: Final[dict[str, Any]] = {
    "fifty": {"summary": "Fifty dollars, charged to the default payment method", "value": {"amount": 5000}}
}
