"""One HTTP/1.1 connection to a provider, with one exchange on it at a time. The parser is llhttp's, by httptools."""

import asyncio
import select
from typing import Final, cast

import httptools

from integration.gateway.provider_http.body import Body
from integration.gateway.provider_http.errors import ConnectionBroken

_MOST_FRAMING_BYTES: Final = 64 * 1024  # and what one reading brings, which asyncio and libuv bound
_WRITTEN_AT_ONCE: Final = 1024 * 1024  # what is larger is written in pieces, so that other calls go on
_WRITE_BYTES: Final = 64 * 1024
_FINAL: Final = 200  # the lowest status that is no interim response (RFC 9110, 15.2)
_UNSUCCESSFUL: Final = 300
_BODILESS: Final = frozenset({204, 304})


class HttpConnection(asyncio.Protocol):
    """A connection; the pool makes it.

    Attributes:
        lost: Whether it is closed.
        status: Of the answer that is here or on its way.
        headers: Its fields, with names in lower case; of a repeated one the first.
    """

    def __init__(self) -> None:
        self.lost = False
        self.status = 0
        self.headers: dict[str, str] = {}
        self._ends = 0.0
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._writable = True
        self._arrivals = select.poll()
        self._parser = httptools.HttpResponseParser(self)
        # What some servers do that is harmless in an answer.
        self._parser.set_dangerous_leniencies(
            lenient_headers=True, lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
        )
        self._begun = False
        self._begin()

    def _begin(self) -> None:
        self.headers = {}
        self._framing_bytes = 0  # that came since the last ones of the body
        self._body: Body | None = None
        self._sent = self._complete = self._reading_paused = False
        self._until_closed = self._keep_alive = False
        self._error: ConnectionBroken | None = None

    @property
    def reusable(self) -> bool:
        """Whether another exchange can follow."""
        whole = self._sent and self._complete and not self._reading_paused and self._error is None
        return whole and not self.lost and self._keep_alive

    @property
    def quiet(self) -> bool:
        """Whether it is open, and nothing came that the loop has not seen yet: an end, or what nobody asked for."""
        return not self.lost and not self._arrivals.poll(0)

    async def exchange(self, head: bytes, body: bytes, *, patience: float, ends: float) -> None:
        """Send a request, and return when the answer's header section is here.

        Args:
            head: The request's line and header section with the empty line that ends it.
            body: What follows.
            patience: Seconds of silence that are waited for.
            ends: When all of the answer has to be here, by the loop's clock.

        Raises:
            ConnectionBroken: When it breaks, or what comes is no HTTP.
            TimeoutError: When the server is silent for longer, or at the end.
        """
        if self.lost:
            raise ConnectionBroken("The connection ended before a request was sent.")
        self._begin()
        self._begun = True
        self._ends = ends
        await self._send(head, body, patience)
        while self._body is None:
            if self._error is not None:
                raise self._error
            await self._wait(patience)

    async def piece(self, patience: float) -> bytes:
        """What has come of the body and was not taken yet; nothing at its end. Raises what `exchange` raises."""
        while True:
            if not self._complete and self._loop.time() >= self._ends:
                raise TimeoutError
            if self._body is not None and (taken := self._body.take()):
                if self._reading_paused:
                    self._reading_paused = False
                    self._open_transport().resume_reading()
                return taken
            if self._error is not None:
                raise self._error
            if self._complete:
                return b""
            await self._wait(patience)

    def abort(self) -> None:
        """Close it at once, whatever is under way."""
        self.lost = True
        if self._transport is not None:
            self._transport.abort()

    def _open_transport(self) -> asyncio.Transport:
        if self._transport is None:
            raise ConnectionBroken("The connection is not open.")
        return self._transport

    async def _send(self, head: bytes, body: bytes, patience: float) -> None:
        transport = self._open_transport()
        if len(body) <= _WRITTEN_AT_ONCE:
            transport.write(head + body)
            self._sent = True
            return
        transport.write(head)
        for start in range(0, len(body), _WRITE_BYTES):
            transport.write(body[start : start + _WRITE_BYTES])
            await asyncio.sleep(0)
            while not self._writable and not self._body_unwanted:
                await self._wait(patience)
            if self._body_unwanted:
                return
        self._sent = True

    @property
    def _body_unwanted(self) -> bool:
        """Whether the server refuses before it read all of the request (RFC 9112, 9.5), or reads no more of it."""
        refused = self._body is not None and self.status >= _UNSUCCESSFUL
        return refused or self._complete or self._error is not None

    async def _wait(self, patience: float) -> None:
        """Wait until something happens. Raises TimeoutError when nothing does for so many seconds, or at the end."""
        left = self._ends - self._loop.time()
        if left <= 0:
            raise TimeoutError
        waiter = self._waiter = self._loop.create_future()
        timer = self._loop.call_later(min(patience, left), _timed_out, waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, reason: str) -> None:
        if self._error is None and not self._complete:
            self._error = ConnectionBroken(reason)
        self._wake()

    def _pause_reading(self) -> None:
        if not self._complete and not self._reading_paused:
            self._reading_paused = True
            self._open_transport().pause_reading()

    # What the loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport, and what to ask for what came."""
        self._transport = cast("asyncio.Transport", transport)
        self._arrivals.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        """Read what came; what comes unasked ends the connection."""
        if not self._begun or self._complete:
            self.abort()
            return
        self._framing_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            cause = error.__context__
            self._fail(str(cause if isinstance(cause, ConnectionBroken) else f"The answer is no HTTP: {error}"))
            self.abort()
            return
        if self._framing_bytes > _MOST_FRAMING_BYTES and not self._complete:
            self._fail("The answer's header section, or what stands around its body, is too large.")
            self.abort()
            return
        if self._body is not None and self._body.full:
            self._pause_reading()
        self._wake()

    def pause_writing(self) -> None:
        """The server does not read as fast as we write."""
        self._writable = False

    def resume_writing(self) -> None:
        """It does again."""
        self._writable = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """End what is under way: an answer of no stated length ends so (RFC 9112, 6.3)."""
        self.lost = True
        if self._until_closed and exc is None and self._error is None:
            self.on_message_complete()
        self._fail(f"The connection ended before the answer did{f': {exc}' if exc else ''}.")

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Refuse a second answer to one request."""
        if self._complete:
            raise ConnectionBroken("More than one answer came.")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header field, whose name may have a space before its colon (RFC 9112, 5.1); no trailer."""
        if self._body is None:
            self.headers.setdefault(name.strip().lower().decode("latin-1"), value.decode("latin-1"))

    def on_headers_complete(self) -> None:
        """Begin the body, unless this is an interim response."""
        self.status = self._parser.get_status_code()
        if self.status < _FINAL:
            return
        self._body = Body(self.headers.get("content-encoding"))
        framed = "content-length" in self.headers or "transfer-encoding" in self.headers
        self._until_closed = not framed and self.status not in _BODILESS
        self._keep_alive = self._parser.should_keep_alive()

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body."""
        self._framing_bytes = 0
        if self._body is not None:
            self._body.put(body)

    def on_message_complete(self) -> None:
        """End the answer; what an interim response said is of no interest."""
        if self._body is None:
            self.headers = {}
            return
        try:
            self._body.end()
        except ConnectionBroken as error:
            self._error = error
        self._complete = True


def _timed_out(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError())
