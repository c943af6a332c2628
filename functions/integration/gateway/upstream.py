"""Model providers, over HTTP. Bytes are passed through; only errors are read.

An HTTP client of our own rather than the openai SDK, which parses and builds objects of what only needs to pass
(docs/adr/0032-provider-http.md).
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final, Protocol

import orjson

from integration.gateway.call import Call
from integration.gateway.destinations import Connection
from integration.gateway.endpoints.request import JSON
from integration.gateway.errors import (
    AddressNotCalled,
    UpstreamBroken,
    UpstreamMisconfigured,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from integration.gateway.models import Patience
from integration.gateway.planning import Target
from integration.gateway.provider_http.client import Answer, HttpClient, Timeouts
from integration.gateway.provider_http.errors import ConnectFailed, ConnectionBroken
from integration.gateway.sessions import Guard
from integration.provider_kinds import KINDS
from llmo_core.guarded_resolver import AddressRefused

_MAX_ERROR_BYTES: Final = 64_000
_MOST_ASKED_BYTES: Final = 16_000_000  # of what is no answer to a call: lists, batches
_PATIENCE: Final = Patience(60.0, 60.0)  # for what is no call to a model
_OK: Final = 200
_BAD_REQUEST: Final = 400
_CREDENTIALS_REFUSED: Final = frozenset({401, 403})
_ERRORS_PASSED_ON: Final = ("retry-after", "retry-after-ms")
_ALWAYS: Final = {"content-type": JSON, "accept-encoding": "identity"}


class ProviderAnswer:
    """A successful answer whose body has not been read yet."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.headers: Mapping[str, str] = answer.headers

    async def read(self) -> bytes:
        """The whole body. Raises UpstreamBroken, UpstreamTimeout."""
        try:
            return await self._answer.read()
        except TimeoutError as error:
            raise UpstreamTimeout from error
        except ConnectionBroken as error:
            raise UpstreamBroken from error

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives. Raises UpstreamBroken, UpstreamTimeout."""
        try:
            async for piece in self._answer.pieces():
                yield piece
        except TimeoutError as error:
            raise UpstreamTimeout from error
        except ConnectionBroken as error:
            raise UpstreamBroken from error

    def close(self) -> None:
        """Stop reading: a finished answer frees its connection, an unfinished one closes it."""
        self._answer.close()


class Credentials(Protocol):
    """API keys of connections."""

    async def key(self, connection: Connection) -> str | None:
        """The connection's API key; None when it needs none. Raises UpstreamMisconfigured."""
        ...


@dataclass(frozen=True, slots=True)
class Deployment:
    """The deployment's own provider.

    Attributes:
        base_url: The API's base URL with its version, such as `https://api.openai.com/v1`.
        api_key: The provider's key.
    """

    base_url: str
    api_key: str = field(repr=False)


class OpenAiUpstream:
    """Providers that speak OpenAI's API.

    Args:
        client: Asks the deployment's own provider.
        guarded: Gives what asks connections of organizations, over TLS (True) or without; they reach no address that
            `guard` does not allow.
        total_seconds: Longest time for a whole call; API Gateway streams for at most 15 minutes.
    """

    def __init__(
        self,
        *,
        client: HttpClient,
        guarded: Callable[[bool], HttpClient],
        guard: Guard,
        deployment: Deployment,
        credentials: Credentials,
        total_seconds: float = 870,
    ) -> None:
        self._client = client
        self._guarded = guarded
        self._guard = guard
        self._base_url = deployment.base_url.rstrip("/")
        self._headers = _ALWAYS | {"authorization": f"Bearer {deployment.api_key}"}
        self._credentials = credentials
        self._total = total_seconds

    async def send(self, call: Call, target: Target, patience: Patience) -> ProviderAnswer:
        """Make the call and return once a successful answer begins. Raises the Upstream errors."""
        body = call.body_for(target.upstream_model)
        client, url, headers = await self._reach(target.connection, call.endpoint.path)
        if call.content_type != JSON:
            headers = {**headers, "content-type": call.content_type}
        if call.traceparent:
            headers = {**headers, "traceparent": call.traceparent}
        return await self._request(client, "POST", url, headers, body, patience)

    async def ask(
        self, method: str, path: str, connection: Connection | None, body: bytes | None = None, media_type: str = JSON
    ) -> bytes:
        """A provider's whole answer to something that is no call to a model. Raises the Upstream errors."""
        read = bytearray()
        async with aclosing(self.content(method, path, connection, body, media_type)) as content:
            async for chunk in content:
                read += chunk
                if len(read) > _MOST_ASKED_BYTES:
                    raise UpstreamBroken("The model provider's answer is too large.")
        return bytes(read)

    async def content(
        self,
        method: str,
        path: str,
        connection: Connection | None,
        body: bytes | None = None,
        media_type: str = JSON,
    ) -> AsyncGenerator[bytes]:
        """The same as it arrives, of any size. Raises the Upstream errors."""
        client, url, headers = await self._reach(connection, path)
        answer = await self._request(client, method, url, {**headers, "content-type": media_type}, body, _PATIENCE)
        try:
            async for chunk in answer.chunks():
                yield chunk
        finally:
            answer.close()

    async def models(self, patience: Patience) -> bytes:
        """The deployment's provider's own answer to `GET /models`. Raises the Upstream errors."""
        url = self._base_url + "/models"
        answer = await self._request(self._client, "GET", url, self._headers, None, patience)
        try:
            return await answer.read()
        finally:
            answer.close()

    async def _reach(self, connection: Connection | None, path: str) -> tuple[HttpClient, str, Mapping[str, str]]:
        """How a path of a provider's API is asked. Raises AddressNotCalled, UpstreamMisconfigured."""
        if connection is None:
            return self._client, self._base_url + path, self._headers
        self._guard.check(connection.base_url)
        url = connection.base_url + path
        client = self._guarded(url.startswith("https:"))
        return client, url + KINDS[connection.kind].query(connection.api_version), await self._headers_for(connection)

    async def _headers_for(self, connection: Connection) -> Mapping[str, str]:
        key = await self._credentials.key(connection)
        return KINDS[connection.kind].request_headers(key, connection.headers) | _ALWAYS

    async def _request(
        self,
        client: HttpClient,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        patience: Patience,
    ) -> ProviderAnswer:
        timeouts = Timeouts(patience.first_byte, patience.between_chunks, self._total)
        try:
            answer = await client.request(method, url, headers, body, timeouts)
        except TimeoutError as error:
            raise UpstreamTimeout from error
        except AddressRefused as error:
            raise AddressNotCalled from error
        except ConnectFailed as error:
            raise UpstreamUnreachable from error
        except ConnectionBroken as error:
            raise UpstreamBroken from error
        if answer.status == _OK:
            return ProviderAnswer(answer)
        if answer.status < _BAD_REQUEST:
            answer.close()
            raise UpstreamBroken(f"The model provider answered {answer.status}.")
        raise await _refusal(answer)


async def _refusal(answer: Answer) -> UpstreamRefused | UpstreamMisconfigured:
    body = b""
    try:
        async for piece in answer.pieces():
            body += piece
            if len(body) > _MAX_ERROR_BYTES:
                break
    except (ConnectionBroken, TimeoutError):
        body = b""  # the status says enough
    finally:
        answer.close()
    if answer.status in _CREDENTIALS_REFUSED:
        return UpstreamMisconfigured()
    headers = {name: answer.headers[name] for name in _ERRORS_PASSED_ON if name in answer.headers}
    return UpstreamRefused(answer.status, body if _is_openai_error(body) else b"", headers)


def _is_openai_error(body: bytes) -> bool:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(parsed, dict) and isinstance(parsed.get("error"), dict)
