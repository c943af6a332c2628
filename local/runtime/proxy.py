"""A streaming reverse proxy to one HTTP server on this machine."""

import asyncio
from collections.abc import Iterable
from typing import Final

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

HOP_BY_HOP: Final = frozenset(
    {
        "connection",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that concern one connection only: https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1"""


class ReverseProxy:
    """Passes requests on byte for byte, and answers back chunk by chunk.

    The upstream connection is closed as soon as the client goes away: the server cancels the handler, and leaving
    the response unfinished drops its connection.
    """

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open the connection pool."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=5),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        )

    async def stop(self) -> None:
        """Close the connection pool. Safe to call twice."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def forward(
        self,
        request: web.BaseRequest,
        upstream: str,
        *,
        body: bytes | None = None,
        extra_headers: Iterable[tuple[str, str]] = (),
        response_headers: Iterable[tuple[str, str]] = (),
    ) -> web.StreamResponse:
        """Send the request to `upstream` and stream its answer.

        Args:
            request: What the client sent; the Host header is passed on.
            upstream: `http://host:port`.
            body: The body when it is already read; else it is streamed.
            extra_headers: Added to the request, in place of any of their names that the client sent.
            response_headers: Added to the answer.

        Raises aiohttp.ClientError when the upstream does not answer; once it does, a fault breaks off the client's
        connection.
        """
        if self._session is None:
            raise RuntimeError("the proxy is not started")
        if not request.raw_path.startswith("/"):
            raise aiohttp.InvalidURL(request.raw_path)  # `GET @host/`: nobody but the upstream may be asked
        added = CIMultiDict(extra_headers)
        headers = _end_to_end((name, value) for name, value in request.headers.items() if name not in added)
        headers.extend(added)
        data = body if body is not None else (request.content if request.body_exists else None)
        async with self._session.request(
            request.method,
            URL(upstream + request.raw_path, encoded=True),
            headers=headers,
            data=data,
            allow_redirects=False,
        ) as answer:
            answer_headers = _end_to_end(answer.headers.items())
            answer_headers.extend(response_headers)
            response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=answer_headers)
            return await _relay(answer, request, response)


async def _relay(
    answer: aiohttp.ClientResponse, request: web.BaseRequest, response: web.StreamResponse
) -> web.StreamResponse:
    """Pass the body on as it comes. An answer that breaks off must look broken off to the client, too."""
    try:
        await response.prepare(request)
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
    except (aiohttp.ClientError, asyncio.CancelledError) as error:
        answer.close()
        if request.transport is not None:
            request.transport.abort()
        if isinstance(error, asyncio.CancelledError):
            raise
    return response


def _end_to_end(headers: Iterable[tuple[str, str]]) -> CIMultiDict[str]:
    pairs = [(name, value) for name, value in headers if name.lower() not in HOP_BY_HOP]
    return CIMultiDict(pairs)
