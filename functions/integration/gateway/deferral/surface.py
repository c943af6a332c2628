"""Files, batches and deferred calls over HTTP: from a request to an answer."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final, Protocol

import orjson

from integration.gateway.call import Call, Deferred
from integration.gateway.calls import read_address, read_key
from integration.gateway.deferral.batches import Batches
from integration.gateway.deferral.files import Files
from integration.gateway.deferral.lines import MOST_BODY_BYTES
from integration.gateway.deferral.models import ENDED, Batch, Json, Owner
from integration.gateway.deferral.parameters import (
    DEFERRABLE,
    read_defer,
    read_headers,
    read_page,
    read_upload,
    read_wanted,
)
from integration.gateway.deferral_errors import FilesUnavailable
from integration.gateway.endpoints.form import Form
from integration.gateway.endpoints.request import JSON
from integration.gateway.errors import AnswerBrokenOff, InvalidCall
from integration.gateway.models import Answer, KeyRecord
from llmo_auth.api_key import ApiKey
from llmo_core.observability import logger

_OK: Final = 200
_ACCEPTED: Final = 202
_CONFLICT: Final = 409
_OCTETS: Final = "application/octet-stream"


class Keys(Protocol):
    """Whose API keys are."""

    async def authenticate(self, key: ApiKey, address: str) -> None:
        """Raise InvalidApiKey unless the key is valid, or AddressNotAllowed."""
        ...

    async def owner(self, key: ApiKey, address: str) -> KeyRecord:
        """Whose a key is."""
        ...


class Terms(Protocol):
    """What organizations may do."""

    async def require_calls_for_later(self, headers: Mapping[str, str]) -> None:
        """Raise BillingNotActive, or NoCallsForLater, when the organization of a valid key may make no such calls."""
        ...


class Calls(Terms, Protocol):
    """Reads calls that are not made now."""

    async def check(self, form: Form, raw: bytes, *, headers: Mapping[str, str], request_id: str) -> Call:
        """The call in a request. Raises what answering it would raise before it is made."""
        ...


class Surface:
    """Answers requests about files and batches, and gives the answers to deferred calls."""

    def __init__(self, *, keys: Keys, terms: Terms, files: Files, batches: Batches) -> None:
        self._keys = keys
        self._terms = terms
        self._files = files
        self._batches = batches

    async def answer(
        self, method: str, path: str, query: bytes, headers: Mapping[str, str], raw: bytes
    ) -> Answer | None:
        """The answer to a request; None for a path that there is not."""
        owner = await _owner(self._keys, headers)
        what, *names = path.removeprefix("/v1/").split("/")
        match what:
            case "files":
                return await self._of_files(owner, (method, *names), query, headers, raw)
            case "batches":
                return await self._of_batches(owner, (method, *names), query, headers, raw)
            case "deferred" if method == "GET" and len(names) == 1:
                return await self._deferred(owner, await self._batches.find(owner, names[0]))
        return None

    async def _of_files(
        self, owner: Owner, asked: tuple[str, ...], query: bytes, headers: Mapping[str, str], raw: bytes
    ) -> Answer | None:
        match asked:
            case ("POST",):
                upload = read_upload(raw, headers)
                return _json((await self._files.upload(owner, upload.filename, upload.content)).shown())
            case ("GET",):
                page = read_page(query, "files")
                files, more = await self._files.page(
                    owner, purpose=page.purpose, after=page.after, limit=page.limit, ascending=page.ascending
                )
                return _list([file.shown() for file in files], more=more)
            case "GET", name:
                return _json((await self._files.find(owner, name)).shown())
            case "DELETE", name:
                await self._files.delete(owner, name)
                return _json({"id": name, "object": "file", "deleted": True})
            case "GET", name, "content":
                file, content = await self._files.read(owner, name)
                return Answer(_OK, {"content-type": _OCTETS, "content-length": str(file.bytes)}, _unbroken(content))
        return None

    async def _of_batches(
        self, owner: Owner, asked: tuple[str, ...], query: bytes, headers: Mapping[str, str], raw: bytes
    ) -> Answer | None:
        match asked:
            case ("POST",):
                await self._terms.require_calls_for_later(headers)
                wanted = read_wanted(raw)
                read_headers(headers)
                made = await self._batches.create(owner, wanted.input_file, wanted.endpoint, wanted.metadata, headers)
                return _json(made.shown())
            case ("GET",):
                page = read_page(query, "batches")
                batches, more = await self._batches.page(owner, after=page.after, limit=page.limit)
                return _list([batch.shown() for batch in batches], more=more)
            case "GET", name:
                return _json((await self._batches.find(owner, name)).shown())
            case "POST", name, "cancel":
                return _json((await self._batches.cancel(owner, name)).shown())
        return None

    async def _deferred(self, owner: Owner, batch: Batch) -> Answer:
        """The plain answer to a deferred call, or 202 while there is none."""
        if not batch.single:
            raise InvalidCall("This is a batch: its answers are in its output file.", param="id")
        if batch.status not in ENDED:
            return _json(batch.shown(), _ACCEPTED, {"retry-after": "1"})
        name = batch.shown()["output_file_id"] or batch.shown()["error_file_id"]
        if name is None:
            return _json(_error(f"The call was not made: {batch.status.value}.", batch.status.value), _CONFLICT)
        _, content = await self._files.content(owner, name)
        line: Json = orjson.loads(content)
        if line["response"] is None:
            return _json(_error(line["error"]["message"], line["error"]["code"]), _CONFLICT)
        return _json(line["response"]["body"], line["response"]["status_code"])


class DeferredCalls:
    """Takes calls that are made later, as a Gateway answers them: behind a OnceGateway a repeated one is taken once."""

    def __init__(self, *, keys: Keys, calls: Calls, batches: Batches) -> None:
        self._keys = keys
        self._calls = calls
        self._batches = batches

    async def authenticate(self, headers: Mapping[str, str]) -> None:
        """Raise InvalidApiKey unless the Authorization header carries a valid key, or AddressNotAllowed."""
        await self._keys.authenticate(read_key(headers), read_address(headers))

    async def answer(
        self, form: Form, raw: bytes, *, headers: Mapping[str, str], request_id: str, deferred: Deferred | None = None
    ) -> Answer:
        """Take a call, once it is known to be one. Raises what answering it would raise before it is made."""
        owner = await _owner(self._keys, headers)
        await self._calls.require_calls_for_later(headers)
        read_defer(headers)
        endpoint = f"/v1{form.endpoint.path}"
        if endpoint not in DEFERRABLE or deferred is not None:
            raise InvalidCall("Calls of this endpoint cannot be deferred.", param="x-llmo-defer")
        call = await self._calls.check(form, raw, headers=headers, request_id=request_id)
        if call.stream:
            raise InvalidCall("A deferred call has no stream.", param="stream", code="unsupported_parameter")
        if len(raw) > MOST_BODY_BYTES:
            raise InvalidCall(f"The body of a deferred call has at most {MOST_BODY_BYTES} bytes.")
        batch = await self._batches.defer(owner, endpoint, raw, headers)
        logger().info("deferred", extra={"request_id": request_id, "batch": batch.shown()["id"]})
        return _json(batch.shown(), _ACCEPTED)


async def _unbroken(content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """A content whose end, when it comes too early, is that of the connection."""
    try:
        async for chunk in content:
            yield chunk
    except FilesUnavailable as error:
        raise AnswerBrokenOff from error


async def _owner(keys: Keys, headers: Mapping[str, str]) -> Owner:
    key, address = read_key(headers), read_address(headers)
    await keys.authenticate(key, address)
    record = await keys.owner(key, address)
    return Owner(record.org_id, record.project_id, record.key_id)


def _json(body: Any, status: int = _OK, headers: Mapping[str, str] | None = None) -> Answer:  # noqa: ANN401 - JSON
    return Answer(status, {"content-type": JSON, **(headers or {})}, orjson.dumps(body))


def _list(data: list[Json], *, more: bool) -> Answer:
    ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {"first_id": None, "last_id": None}
    return _json({"object": "list", "data": data, **ends, "has_more": more})


def _error(message: str, code: str) -> Json:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}
