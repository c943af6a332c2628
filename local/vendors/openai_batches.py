"""Files and batches of the fake upstream.

Source: https://platform.openai.com/docs/api-reference/files and …/batch. A batch makes its calls one after the other,
of the fake itself and with all of its faults, and is done before `POST /v1/batches` answers when that takes less than a
quarter of a second. A file that contains `[[batch=failed]]` fails its batch, of one with `[[batch=refused]]` none is
made, and `[[stall]]` in a line keeps a batch from ever ending; cancelling ends it.
"""

import asyncio
import itertools
import re
import time
from dataclasses import dataclass, field
from typing import Final

import aiohttp
import orjson
from aiohttp import web

from local.vendors.openai_answers import BadRequest, Json
from local.vendors.openai_audio import read_form
from local.vendors.openai_serving import answer, read_json

_DIRECTIVE: Final = re.compile(rb"\[\[batch=(\w+)]]")
_AT_ONCE_SECONDS: Final = 0.25
_DAY_SECONDS: Final = 86_400
_NUMBERS: Final = itertools.count(1)


@dataclass
class Shelf:
    """What is kept: contents by the ids of files, files and batches by theirs, and batches under way."""

    contents: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, Json] = field(default_factory=dict)
    batches: dict[str, Json] = field(default_factory=dict)
    running: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def add(self, content: bytes, filename: str, purpose: str) -> Json:
        """Keep a file."""
        made = f"file-fake{next(_NUMBERS)}"
        self.contents[made] = content
        self.files[made] = {
            "id": made,
            "object": "file",
            "bytes": len(content),
            "created_at": int(time.time()),
            "filename": filename,
            "purpose": purpose,
            "status": "processed",
        }
        return self.files[made]

    async def close(self) -> None:
        """End what is under way."""
        for task in self.running.values():
            task.cancel()
        await asyncio.gather(*self.running.values(), return_exceptions=True)


SHELF = web.AppKey("shelf", Shelf)


def add_routes(app: web.Application) -> None:
    """Serve files and batches."""
    shelf = app[SHELF] = Shelf()
    app.router.add_post("/v1/files", _upload)
    app.router.add_get("/v1/files/{id}", _file)
    app.router.add_get("/v1/files/{id}/content", _content)
    app.router.add_post("/v1/batches", _create)
    app.router.add_get("/v1/batches", _list)
    app.router.add_get("/v1/batches/{id}", _batch)
    app.router.add_post("/v1/batches/{id}/cancel", _cancel)

    async def close(_: web.Application) -> None:
        await shelf.close()

    app.on_shutdown.append(close)


async def _upload(request: web.Request) -> web.Response:
    fields, content = await read_form(request)
    if fields.get("purpose") != "batch" or not content:
        raise BadRequest("'file' is required, and 'purpose' must be 'batch'.", "file")
    return answer(request.app[SHELF].add(content, "batch.jsonl", "batch"))


async def _file(request: web.Request) -> web.Response:
    return answer(_known(request.app[SHELF].files, request, "File"))


async def _content(request: web.Request) -> web.Response:
    found = _known(request.app[SHELF].files, request, "File")
    return web.Response(body=request.app[SHELF].contents[found["id"]])


async def _create(request: web.Request) -> web.Response:
    shelf, wanted = request.app[SHELF], await read_json(request)
    content = shelf.contents.get(str(wanted.get("input_file_id")))
    if content is None:
        raise BadRequest("No such File object", "input_file_id", status=404)
    directive = _DIRECTIVE.search(content)
    if directive and directive[1] == b"refused":
        raise BadRequest("Batches are not available.", None)
    batch = _new(wanted)
    shelf.batches[batch["id"]] = batch
    if directive and directive[1] == b"failed":
        wrong = [{"code": "told_to", "message": "The fault that the file asked for.", "line": 1, "param": None}]
        batch |= {"status": "failed", "failed_at": int(time.time()), "errors": {"object": "list", "data": wrong}}
        return answer(batch)
    token = request.headers["Authorization"]
    running = asyncio.create_task(_run(shelf, batch, content, str(request.url.origin()), token))
    shelf.running[batch["id"]] = running
    await asyncio.wait([running], timeout=_AT_ONCE_SECONDS)
    return answer(batch)


def _new(wanted: Json) -> Json:
    now = int(time.time())
    times = ("finalizing", "completed", "failed", "expired", "cancelling", "cancelled")
    return {
        "id": f"batch_fake{next(_NUMBERS)}",
        "object": "batch",
        "endpoint": wanted.get("endpoint"),
        "errors": None,
        "input_file_id": wanted["input_file_id"],
        "completion_window": wanted.get("completion_window"),
        "status": "in_progress",
        "output_file_id": None,
        "error_file_id": None,
        "created_at": now,
        "in_progress_at": now,
        "expires_at": now + _DAY_SECONDS,
        **{f"{each}_at": None for each in times},
        "request_counts": {"total": 0, "completed": 0, "failed": 0},
        "metadata": wanted.get("metadata"),
    }


async def _run(shelf: Shelf, batch: Json, content: bytes, origin: str, token: str) -> None:
    """Make a batch's calls, until it is cancelled."""
    done: list[Json] = []
    status = "cancelled"
    try:
        async with aiohttp.ClientSession(headers={"Authorization": token}) as session:
            for line in map(orjson.loads, content.splitlines()):
                done.append(await _call(session, origin, line))  # noqa: PERF401 - what is done counts when it is cancelled
        status = "completed"
    finally:
        for kind, failed in (("output", False), ("error", True)):
            lines = [each for each in done if (each["response"]["status_code"] >= 400) is failed]  # noqa: PLR2004 - HTTP's
            if lines:
                text = b"".join(orjson.dumps(each) + b"\n" for each in lines)
                batch[f"{kind}_file_id"] = shelf.add(text, f"{batch['id']}_{kind}.jsonl", "batch_output")["id"]
            batch["request_counts"]["failed" if failed else "completed"] = len(lines)
        batch["request_counts"]["total"] = len(content.splitlines())
        batch |= {"status": status, f"{status}_at": int(time.time())}


async def _call(session: aiohttp.ClientSession, origin: str, line: Json) -> Json:
    try:
        async with session.post(origin + line["url"], json=line["body"]) as response:
            status, body = response.status, orjson.loads(await response.read())
    except (aiohttp.ClientError, orjson.JSONDecodeError):
        status, body = (
            500,
            {"error": {"message": "The call failed.", "type": "server_error", "param": None, "code": None}},
        )
    made = {"status_code": status, "request_id": f"req_fake{next(_NUMBERS)}", "body": body}
    return {"id": f"batch_req_fake{next(_NUMBERS)}", "custom_id": line["custom_id"], "response": made, "error": None}


async def _list(request: web.Request) -> web.Response:
    data = list(request.app[SHELF].batches.values())[::-1]
    after, limit = request.query.get("after"), int(request.query.get("limit", "20"))
    start = next((place for place, each in enumerate(data, 1) if each["id"] == after), 0)
    return answer({"object": "list", "data": data[start : start + limit], "has_more": start + limit < len(data)})


async def _batch(request: web.Request) -> web.Response:
    return answer(_known(request.app[SHELF].batches, request, "batch"))


async def _cancel(request: web.Request) -> web.Response:
    batch = _known(request.app[SHELF].batches, request, "batch")
    running = request.app[SHELF].running.get(batch["id"])
    if batch["status"] != "in_progress" or running is None:
        raise BadRequest(f"Cannot cancel a batch with status '{batch['status']}'.", None, status=409)
    batch |= {"status": "cancelling", "cancelling_at": int(time.time())}
    running.cancel()
    return answer(batch)


def _known(kept: dict[str, Json], request: web.Request, what: str) -> Json:
    found = kept.get(request.match_info["id"])
    if found is None:
        raise BadRequest(f"No such {what} object: {request.match_info['id']}", "id", status=404)
    return found
