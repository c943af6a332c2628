"""Smoke tests: whether a deployment, wherever it is, does what it is there for. `make smoke BASE_URL=… API_KEY=…`.

They are told by SMOKE_BASE_URL, SMOKE_API_KEY and, for signing in, SMOKE_EMAIL and SMOKE_PASSWORD; without an address
there are none. The key has to be one that may call models and read usage. Three small calls are made of SMOKE_MODEL.
"""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest
import pytest_asyncio

BASE_URL = os.environ.get("SMOKE_BASE_URL", "").rstrip("/")
collect_ignore_glob = [] if BASE_URL else ["test_*.py"]
collect_ignore = [
    *([] if os.environ.get("SMOKE_EMAIL") else ["test_sign_in.py"]),
    *([] if BASE_URL.startswith("https://") else ["test_transport.py"]),
]


@dataclass(frozen=True, slots=True)
class Target:
    """The deployment that is looked at, without a trailing slash."""

    base_url: str
    api_key: str
    model: str

    @property
    def bearer(self) -> dict[str, str]:
        """The headers of the key."""
        return {"authorization": f"Bearer {self.api_key}"}


@pytest.fixture(scope="session")
def target() -> Target:
    return Target(BASE_URL, os.environ["SMOKE_API_KEY"], os.environ.get("SMOKE_MODEL", "gpt-4o-mini"))


@pytest_asyncio.fixture(scope="session")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
        yield session
