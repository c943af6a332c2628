"""Writes each service's OpenAPI document, as it serves it, to docs/api/."""

import importlib
import json
from collections.abc import Iterator
from pathlib import Path

_APIS = {
    "auth": "auth.api",
    "analytics": "analytics.api",
    "billing": "billing.api",
    "integration": "integration.management.api",
    "usage": "integration.live.app",
    "dry-runs": "integration.dry_runs.api",
    "notifications": "notification.api",
    "inbox-live": "notification.live.app",
    "analytics-live": "analytics.live.app",
}


def files(root: Path) -> Iterator[tuple[Path, str]]:
    """Every service's document, with its text."""
    for service, module in _APIS.items():
        app = importlib.import_module(module).app
        yield root / "docs" / "api" / f"{service}.json", json.dumps(app.openapi(), indent=2) + "\n"
