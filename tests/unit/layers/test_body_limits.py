"""Bodies of requests up to a size."""

from typing import Any

import httpx2
import pytest
from fastapi import APIRouter

from llmo_core.http.app import create_app
from llmo_core.http.body_limits import limited

router = APIRouter(prefix="/things", route_class=limited(20))


@router.post("")
async def make(body: dict[str, Any]) -> dict[str, Any]:
    return body


@pytest.mark.parametrize(("length", "status"), [(20, 200), (21, 413), (2_000_000, 413)])
async def test_a_body_is_read_up_to_its_limit(length: int, status: int) -> None:
    app = create_app(title="Things", prefix="/things", routers=[router], description="")
    body = b'{"a": 1' + b" " * (length - 8) + b"}"
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="https://a.example") as client:
        answer = await client.post("/things", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status
    if status == 413:
        assert answer.json()["type"] == "urn:llmo:problem:body_too_large"
        assert answer.json()["detail"] == "The body of such a request has 20 bytes at most."
