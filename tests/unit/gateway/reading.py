"""Reading calls as the gateway does, at today's prices."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from integration.gateway.call import Call
from integration.gateway.calls import read_call
from integration.gateway.endpoints.table import ENDPOINTS
from integration.gateway.organization import Organization
from integration.gateway.planning import Planner
from integration.gateway.pricing import PriceTable

NOW: Final = datetime(2026, 11, 23, tzinfo=UTC)
PRICES: Final = PriceTable({}, now=lambda: NOW)
_PLANNER: Final = Planner(PRICES, now=lambda: NOW)


def read(path: str, body: Mapping[str, Any] | bytes, **headers: str) -> Call:
    """The call in a request to this path below `/v1/`."""
    form = ENDPOINTS[f"/v1/{path}"]
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return read_call(form, raw, named, partial(_PLANNER.plan, Organization(), form.units))
