"""The management API and the gateway, called through `sam local start-api`."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from local.sam_local.samples import difference

UNKNOWN_KEY = "llmo_0DemoOrg01_0123456789ABCDEFGHIJabcdefghij39lrAC"
"""Well-formed, and nobody's."""

_CALL_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Called:
    """A call and what came of it; `wrong` is None when that was right."""

    name: str
    wrong: str | None


class Caller:
    """Calls one API.

    Args:
        session: With the API as its base URL.
        key: A valid API key.
    """

    def __init__(self, session: aiohttp.ClientSession, key: str) -> None:
        self._session = session
        self._key = key
        self.body: Any = None

    async def call(
        self,
        method: str,
        path: str,
        status: int,
        expected: Mapping[str, Any] | None = None,
        *,
        key: str | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Called:
        """Call a route. With `key` an empty string sends none, None the valid one. The answer is in `self.body`."""
        bearer = self._key if key is None else key
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        timeout = aiohttp.ClientTimeout(total=_CALL_SECONDS)
        who = {None: "", "": " without a key"}.get(key, " with an unknown key")
        name = f"{method} {path}{who}"
        try:
            async with self._session.request(method, path, headers=headers, json=body, timeout=timeout) as answer:
                text = await answer.text()
                self.body = await answer.json() if "json" in answer.content_type else text
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            return Called(name, f"{type(error).__name__}: {error}")
        if answer.status != status:
            return Called(name, f"{answer.status}, not {status}: {text[:300]}")
        return Called(name, difference(expected, self.body) if expected else None)


async def call_routes(caller: Caller, account: Mapping[str, str]) -> AsyncIterator[Called]:
    """Call every route once or more, as the account's owner would."""
    yield await caller.call("GET", "/api/v1/auth/openapi.json", 200, {"openapi": "3.1.0"}, key="")
    yield await caller.call("GET", "/api/v1/analytics/openapi.json", 200, {"openapi": "3.1.0"}, key="")
    yield await caller.call("GET", "/api/v1/me", 401, key="")
    # The authorizer raises `Unauthorized`: API Gateway answers 401 for that, `sam local` knows only 502.
    yield await caller.call("GET", "/api/v1/me", 502, key=UNKNOWN_KEY)
    organization = {"organization": {"id": account["org_id"]}, "project": {"id": account["project_id"]}}
    yield await caller.call("GET", "/api/v1/me", 200, organization)
    yield await caller.call("POST", "/api/v1/api-keys", 201, {"name": "second"}, body={"name": "second"})
    made = caller.body.get("id", "unknown") if isinstance(caller.body, dict) else "unknown"
    yield await caller.call("POST", "/api/v1/api-keys", 422, body={"name": ""})
    yield await caller.call("GET", "/api/v1/api-keys?limit=1", 200)
    yield await caller.call("DELETE", f"/api/v1/api-keys/{made}", 204)
    yield await caller.call("GET", "/api/v1/analytics/usage?group_by=model", 200)
    yield await caller.call("GET", "/healthz", 200, key="")
    yield await caller.call("GET", "/v1/models", 200, {"object": "list"})
    messages = [{"role": "user", "content": "Hello"}]
    chat = {"model": "gpt-4o-mini", "messages": messages}
    yield await caller.call("POST", "/v1/chat/completions", 200, {"object": "chat.completion"}, body=chat)
