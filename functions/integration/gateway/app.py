"""The gateway as a plain ASGI app: `/v1/*` as OpenAI serves it, and `/healthz`.

It runs under uvicorn everywhere: behind the Lambda Web Adapter, in a container, on a laptop. No framework: a
dozen routes in somebody else's shapes need none (docs/adr/0001).
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Final

import orjson

from integration.gateway.endpoints.table import ENDPOINTS
from integration.gateway.errors import AnswerBrokenOff, InvalidCall, UpstreamTimeout
from integration.gateway.models import Answer
from integration.gateway.responses import ErrorResponse, error_response, not_found
from integration.gateway.settings import GatewaySettings
from integration.gateway.wiring import Wired
from llmo_core import cold_starts
from llmo_core.errors import LlmoError
from llmo_core.http.cors import cors_headers
from llmo_core.ids import new_id_text
from llmo_core.observability import logger

if TYPE_CHECKING:
    from integration.gateway.deferral.wiring import DeferralWired

type Scope = dict[str, Any]
type Receive = Callable[[], Awaitable[dict[str, Any]]]
type Send = Callable[[dict[str, Any]], Awaitable[None]]

MAX_BODY_BYTES: Final = (
    6 * 1024 * 1024
)  # what Lambda takes: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_MAX_REQUEST_ID_LENGTH: Final = 128
_MODELS: Final = "/v1/models"
_ENTRIES: Final = "/v1/cache/entries/"
_FILES_AND_BATCHES: Final = ("/v1/files", "/v1/batches", "/v1/deferred")
# As long as API Gateway streams; holds live longer, so a stream is over before the sweeper takes its hold.
_LONGEST_STREAM_SECONDS: Final = 900


class GatewayApp:
    """The ASGI application.

    Attributes:
        wired: The parts, once the server has started the app's lifespan.
    """

    def __init__(self, wire: Callable[[], Wired]) -> None:
        self._wire = wire
        self.wired: Wired | None = None
        self._deferral_wired: DeferralWired | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's scope (ASGI 3)."""
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                cold_starts.of_process.count()
                self.wired = self._wire()
                await send({"type": "lifespan.startup.complete"})
            else:
                if self.wired is not None:
                    await self.wired.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        request_id = _request_id(headers)
        if "x-forwarded-for" not in headers and scope.get("client"):
            headers["x-forwarded-for"] = scope["client"][0]  # called directly, not through API Gateway
        try:
            await self._route(scope, receive, send, headers, request_id)
        except LlmoError as error:
            response = error_response(error)
            logger().info(
                "refused",
                extra={
                    "request_id": request_id,
                    "path": scope["path"],
                    "status": response.status,
                    "code": error.code,
                    "cause": repr(error.__cause__) if error.__cause__ else None,
                },
            )
            await _send_error(send, response, request_id)
        except Exception as error:  # noqa: BLE001 - the outermost frame: whatever it is becomes a 500 in OpenAI's shape
            logger().exception("unhandled error", extra={"request_id": request_id, "path": scope["path"]})
            await _send_error(send, error_response(error), request_id)

    async def _route(
        self, scope: Scope, receive: Receive, send: Send, headers: Mapping[str, str], request_id: str
    ) -> None:
        method, path = scope["method"], scope["path"]
        wired = self.wired
        if wired is None:
            raise RuntimeError("the server did not run the app's lifespan")
        form = ENDPOINTS.get(path)
        if path.startswith(_FILES_AND_BATCHES):
            raw = await _read(receive, headers)
            found = await self._deferral(wired).surface.answer(method, path, scope["query_string"], headers, raw)
            if found is None:
                await _send_error(send, not_found(method, path), request_id)
            else:
                await _send_answer(send, found, request_id, _end())
        elif form is not None and method == "POST" and headers.get("x-llmo-defer", "false") != "false":
            raw = await _read(receive, headers)
            taking = self._deferral(wired).calls.answer(form, raw, headers=headers, request_id=request_id)
            await _answer(send, taking, request_id)
        elif form is not None and method == "POST":
            raw = await _read(receive, headers)
            answering = wired.once.answer(form, raw, headers=headers, request_id=request_id)
            if form.always_relays or b'"stream"' in raw:
                await _while_connected(receive, _answer(send, answering, request_id))
            else:
                await _answer(send, answering, request_id)
        elif method == "GET" and (path == _MODELS or path.startswith(_MODELS + "/")):
            organization = await wired.gateway.organization(headers)
            name = path.removeprefix(_MODELS).removeprefix("/")
            models = await (wired.catalog.one(name, organization) if name else wired.catalog.all(organization))
            await _send_json(send, 200, orjson.dumps(models), {}, request_id)
        elif method == "DELETE" and path.startswith(_ENTRIES):
            forgotten = await wired.disputes.forget(headers, path.removeprefix(_ENTRIES))
            await _send_json(send, 200, orjson.dumps(forgotten), {}, request_id)
        elif path == "/healthz" and method == "GET":
            await _send_json(send, 200, b'{"status":"ok"}', {}, request_id)
        else:
            await _send_error(send, not_found(method, path), request_id)

    def _deferral(self, wired: Wired) -> "DeferralWired":
        """Files and batches: hardly any process of the gateway sees one, so they are imported with the first."""
        if self._deferral_wired is None:
            from integration.gateway.deferral.wiring import DeferralWired  # noqa: PLC0415 - psycopg: a tenth of a second

            self._deferral_wired = DeferralWired(wired)
        return self._deferral_wired


async def _read(receive: Receive, headers: Mapping[str, str]) -> bytes:
    """The whole body, refused as soon as it is known to be too large."""
    declared = headers.get("content-length", "")
    if declared.isdigit() and int(declared) > MAX_BODY_BYTES:
        raise _too_large()
    message = await _body_part(receive)
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        parts, size = [body], len(body)
        while message.get("more_body"):
            message = await _body_part(receive)
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > MAX_BODY_BYTES:
                raise _too_large()
        body = b"".join(parts)
    return body


async def _body_part(receive: Receive) -> dict[str, Any]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise InvalidCall("The connection ended before the body did.", code="request_incomplete")
    return message


def _too_large() -> InvalidCall:
    return InvalidCall(f"The body of your request is larger than {MAX_BODY_BYTES} bytes.", code="request_too_large")


async def _answer(send: Send, answering: Awaitable[Answer], request_id: str) -> None:
    ends = _end()
    await _send_answer(send, await answering, request_id, ends)


def _end() -> float:
    """When an answer that begins to be made now must be over, on the loop's clock."""
    return asyncio.get_running_loop().time() + _LONGEST_STREAM_SECONDS


async def _send_answer(send: Send, answer: Answer, request_id: str, ends: float) -> None:
    body = answer.body
    if isinstance(body, bytes):
        await _send_json(send, answer.status, body, answer.headers, request_id)
        return
    headers = {**answer.headers, "cache-control": "no-cache"}
    start = {"type": "http.response.start", "status": answer.status, "headers": _encode(headers, request_id)}
    began = False
    try:
        async with asyncio.timeout_at(ends):
            # Before anything is sent: a body that never began settles nothing at its end.
            chunk = await anext(body, None)
            began = True
            await send(start)
            while chunk is not None:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
                chunk = await anext(body, None)
    except (TimeoutError, AnswerBrokenOff) as error:
        if not began:  # there is still an answer to give: the fault that broke it off, which has a status of its own
            raise error.__cause__ if isinstance(error.__cause__, LlmoError) else UpstreamTimeout() from error
        logger().warning("a stream was cut off", extra={"request_id": request_id, "cause": repr(error)})
        return
    finally:
        close = getattr(body, "aclose", None)
        if close is not None:
            await close()
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _while_connected(receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """Do the work, and cancel it as soon as the client leaves; then there is nobody left to answer."""
    working, leaving = asyncio.create_task(work), asyncio.create_task(_disconnected(receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            working.cancel()
            await asyncio.wait({working})
        if not working.cancelled():
            working.result()
    finally:
        leaving.cancel()
        working.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send_error(send: Send, response: ErrorResponse, request_id: str) -> None:
    await _send_json(send, response.status, response.body, response.headers, request_id)


async def _send_json(send: Send, status: int, body: bytes, headers: Mapping[str, str], request_id: str) -> None:
    encoded = _encode({"content-type": "application/json", **headers, "content-length": str(len(body))}, request_id)
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})


def _encode(headers: Mapping[str, str], request_id: str) -> list[tuple[bytes, bytes]]:
    encoded = [(name.encode("latin-1"), _field_value(value)) for name, value in headers.items()]
    return [*encoded, (b"x-request-id", request_id.encode("latin-1")), *cors_headers()]


def _field_value(value: str) -> bytes:
    """A header's value without control characters: some values, such as the model's name, come from the provider."""
    clean = value if value.isprintable() else "".join(character for character in value if character.isprintable())
    return clean.encode("latin-1", "replace")


def _request_id(headers: Mapping[str, str]) -> str:
    given = headers.get("x-request-id", "")
    return given if 0 < len(given) <= _MAX_REQUEST_ID_LENGTH and given.isprintable() else new_id_text()


app = GatewayApp(lambda: Wired(GatewaySettings.from_environment()))
