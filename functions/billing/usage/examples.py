"""Examples of events of usage, for the API's document."""

from typing import Any, Final

_PAGES: Final = {"id": "render-4711", "name": "page.rendered", "fields": {"pages": 3, "colour": True}}
_STORED: Final = {
    "name": "storage.measured",
    "occurred_at": "2026-11-27T00:00:00Z",
    "fields": {"gigabytes": "12.75"},
    "tags": {"team": "research"},
}

EVENTS: Final[dict[str, Any]] = {
    "pages": {"summary": "Pages that were rendered, in colour", "value": _PAGES},
    "storage": {"summary": "How much was stored, for a team", "value": _STORED},
}
BATCHES: Final[dict[str, Any]] = {"batch": {"summary": "Several at once", "value": {"events": [_PAGES, _STORED]}}}
