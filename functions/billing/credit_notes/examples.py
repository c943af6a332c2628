"""Examples of credit notes for the API's document."""

from typing import Any, Final

CREDIT_NOTE: Final[dict[str, Any]] = {
    "part": {
        "summary": "Nine dollars of the first line, to the card",
        "value": {
            "lines": [{"line": 0, "amount": 900, "description": "Three days without service"}],
            "reason": "unsatisfactory",
            "outcome": "refund",
        },
    },
    "all": {"summary": "All that is left of the invoice, as credit", "value": {"reason": "duplicate"}},
}
