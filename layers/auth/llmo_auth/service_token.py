"""How one service calls another: an access token of its service account, for that service and no other.

```python
tokens = ServiceTokens(f"{public_url}/oauth2/token", client_id=..., client_secret=..., http=http, clock=SystemClock())
headers = {"authorization": f"Bearer {await tokens.token(f'{public_url}/api/v1/analytics')}"}
```

Sources: RFC 6749 section 4.4, RFC 8707 (the audience).
"""

import asyncio
import base64
import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import quote_plus, urlencode

from pydantic import Field, ValidationError

from llmo_core.clock import Clock
from llmo_core.errors import Unavailable
from llmo_core.model import Model, OpenModel

RENEWED = timedelta(minutes=1)
"""How long before it expires a token is used no more: a call takes time, and clocks differ."""

_OK = 200


class ServiceTokenRefused(Unavailable):
    """The authorization server gives this service no token."""


class Answer(Model):
    """What an HTTP server answered."""

    status: int
    body: bytes = Field(repr=False)


class Http(Protocol):
    """Makes HTTP requests."""

    async def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Answer:
        """Post a body. Raises Unavailable, or OSError, when there is no answer; it must not log headers."""
        ...


class _Granted(OpenModel):
    access_token: str = Field(repr=False, min_length=1)
    expires_in: int = Field(gt=0)


class _Held(Model):
    text: str = Field(repr=False)
    usable_until: datetime


class ServiceTokens:
    """Gets tokens for one service account, and keeps each until a minute before it expires.

    However many ask at once, one request is made for an audience. Nothing is retried: who calls knows for how long it
    makes sense.
    """

    def __init__(self, token_url: str, *, client_id: str, client_secret: str, http: Http, clock: Clock) -> None:
        self._token_url = token_url
        self._credentials = _basic(client_id, client_secret)
        self._http = http
        self._clock = clock
        self._held: dict[str, _Held] = {}
        self._asking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def token(self, audience: str) -> str:
        """An access token for the service at this address: `{public_url}/api/v1/<service>`.

        Raises ServiceTokenRefused, and what the HTTP client raises.
        """
        async with self._asking[audience]:
            held = self._held.get(audience)
            if held is None or held.usable_until <= self._clock.now():
                held = self._held[audience] = await self._ask(audience)
            return held.text

    async def _ask(self, audience: str) -> _Held:
        asked_at = self._clock.now()
        answer = await self._http.post(
            self._token_url,
            headers={"authorization": self._credentials, "content-type": "application/x-www-form-urlencoded"},
            body=urlencode({"grant_type": "client_credentials", "resource": audience}).encode(),
        )
        if answer.status != _OK:
            raise ServiceTokenRefused(f"The token endpoint answered {answer.status} ({_error(answer.body)}).")
        try:
            granted = _Granted.model_validate_json(answer.body)
        except ValidationError:
            raise ServiceTokenRefused("The token endpoint answered what is no token.") from None  # which may hold one
        return _Held(text=granted.access_token, usable_until=asked_at + timedelta(seconds=granted.expires_in) - RENEWED)


def _basic(client_id: str, client_secret: str) -> str:
    """HTTP Basic as OAuth has it: both parts form-encoded first (RFC 6749, section 2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _error(body: bytes) -> str:
    """The error's name in an answer of OAuth's, and nothing else of it."""
    try:
        name = json.loads(body).get("error")
    except (ValueError, AttributeError):
        return "no reason given"
    return name if isinstance(name, str) and name.isascii() and name.isprintable() else "no reason given"
