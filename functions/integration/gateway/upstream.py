"""The model provider, over HTTP. Bytes are passed through; only errors are read.

aiohttp rather than the openai SDK, which parses and builds objects of what only needs to pass.
"""

import io
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

import aiohttp
import orjson

from integration.gateway.errors import (
    UpstreamBroken,
    UpstreamMisconfigured,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from integration.gateway.models import Call

_CONNECT_SECONDS: Final = 5.0
_MAX_ERROR_BYTES: Final = 64_000
_LARGE_BYTES: Final = 1_000_000  # aiohttp writes what is larger in pieces, so that other calls go on
_OK: Final = 200
_BAD_REQUEST: Final = 400
_CREDENTIALS_REFUSED: Final = frozenset({401, 403})
_ERRORS_PASSED_ON: Final = ("retry-after", "retry-after-ms")


class AiohttpAnswer:
    """A successful answer whose body has not been read yet."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.headers: Mapping[str, str] = response.headers

    async def read(self) -> bytes:
        """The whole body. Raises UpstreamBroken, UpstreamTimeout."""
        try:
            return await self._response.read()
        except TimeoutError as error:
            raise UpstreamTimeout from error
        except aiohttp.ClientError as error:
            raise UpstreamBroken from error

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives. Raises UpstreamBroken, UpstreamTimeout."""
        try:
            async for chunk in self._response.content.iter_any():
                yield chunk
        except TimeoutError as error:
            raise UpstreamTimeout from error
        except aiohttp.ClientError as error:
            raise UpstreamBroken from error

    def close(self) -> None:
        """Stop reading: a finished answer frees its connection, an unfinished one closes it."""
        if self._response.content.is_eof():
            self._response.release()
        else:
            self._response.close()


class OpenAiUpstream:
    """A provider that speaks OpenAI's API.

    Args:
        session: Gives the HTTP session to use, on the running loop.
        base_url: The API's base URL with its version, such as `https://api.openai.com/v1`.
        api_key: The provider's key.
        read_seconds: Longest wait for the first byte, and between two chunks.
        total_seconds: Longest time for a whole call; API Gateway streams for at most 15 minutes.
    """

    def __init__(
        self,
        *,
        session: Callable[[], aiohttp.ClientSession],
        base_url: str,
        api_key: str,
        read_seconds: float,
        total_seconds: float = 870,
    ) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._headers = {
            "authorization": f"Bearer {api_key}",
            "content-type": "application/json",
            "accept-encoding": "identity",
        }
        self._timeout = aiohttp.ClientTimeout(
            total=total_seconds, sock_connect=_CONNECT_SECONDS, sock_read=read_seconds
        )

    async def send(self, call: Call) -> AiohttpAnswer:
        """Make the call and return once a successful answer begins. Raises the Upstream errors."""
        headers = {**self._headers, "traceparent": call.traceparent} if call.traceparent else self._headers
        return await self._request("POST", call.endpoint.path, headers, call.body)

    async def models(self) -> bytes:
        """The provider's own answer to `GET /models`. Raises the Upstream errors."""
        answer = await self._request("GET", "/models", self._headers, None)
        try:
            return await answer.read()
        finally:
            answer.close()

    async def _request(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> AiohttpAnswer:
        data = io.BytesIO(body) if body is not None and len(body) > _LARGE_BYTES else body
        try:
            response = await self._session().request(
                method, self._base_url + path, data=data, headers=headers, timeout=self._timeout, allow_redirects=False
            )
        except TimeoutError as error:
            raise UpstreamTimeout from error
        except aiohttp.ClientConnectorError as error:
            raise UpstreamUnreachable from error
        except aiohttp.ClientError as error:
            raise UpstreamBroken from error
        if response.status == _OK:
            return AiohttpAnswer(response)
        if response.status < _BAD_REQUEST:
            response.close()
            raise UpstreamBroken(f"The model provider answered {response.status}.")
        raise await _refusal(response)


async def _refusal(response: aiohttp.ClientResponse) -> UpstreamRefused | UpstreamMisconfigured:
    body = b""
    try:
        async for piece in response.content.iter_any():
            body += piece
            if len(body) > _MAX_ERROR_BYTES:
                break
    except (aiohttp.ClientError, TimeoutError):
        body = b""  # the status says enough
    finally:
        response.close()
    if response.status in _CREDENTIALS_REFUSED:
        return UpstreamMisconfigured()
    headers = {name: response.headers[name] for name in _ERRORS_PASSED_ON if name in response.headers}
    return UpstreamRefused(response.status, body if _is_openai_error(body) else b"", headers)


def _is_openai_error(body: bytes) -> bool:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(parsed, dict) and isinstance(parsed.get("error"), dict)
