"""Writes each service's OpenAPI document, as it serves it, to docs/api/."""

import importlib
import json
from collections.abc import Iterator
from pathlib import Path

_SERVICES = ("auth", "analytics")


def files(root: Path) -> Iterator[tuple[Path, str]]:
    """Every service's document, with its text."""
    for service in _SERVICES:
        app = importlib.import_module(f"{service}.api").app
        yield root / "docs" / "api" / f"{service}.json", json.dumps(app.openapi(), indent=2) + "\n"
