"""What the laptop adds to the API: a start page, an API reference, readiness, schedules to fire by hand."""

import re
from collections.abc import Awaitable, Callable, Mapping
from html import escape
from http import HTTPStatus
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote

import orjson
from aiohttp import web

from local.runtime.models import Invocation, UnknownSchedule
from local.runtime.server import json_response
from local.stack import StackSpec

HERE = Path(__file__).parent
OPENAPI = re.compile(r"/api/v1/(?P<service>[a-z-]+)/openapi\.json")
FIRE = re.compile(r"/_local/schedules/(?P<name>[^/]+)/fire")
DOCS = re.compile(r"/_local/docs/(?P<service>[a-z-]+)")

Page = Callable[[web.BaseRequest, str], Awaitable[web.StreamResponse]]
Readiness = Callable[[], Mapping[str, object]]


class Schedules(Protocol):
    """What the pages need of the scheduler."""

    def upcoming(self) -> Mapping[str, str]:
        """When each schedule fires next, RFC 3339, by name."""
        ...

    async def fire(self, name: str) -> Invocation:
        """Invoke the schedule's function now. Raises UnknownSchedule."""
        ...


class LocalPages:
    """Answers `/` and everything below `/_local/`.

    Args:
        stack: Which services there are.
        schedules: Fires schedules by hand.
        readiness: By part of the laptop stack, what runs: an object (or objects by name) with a `ready` member.
        more: Further pages, by path or by path prefix ending in `/`.
    """

    def __init__(
        self,
        stack: StackSpec,
        *,
        schedules: Schedules | None = None,
        readiness: Mapping[str, Readiness] | None = None,
        more: Mapping[str, Page] | None = None,
    ) -> None:
        self._stack = stack
        self._schedules = schedules
        self._readiness = dict(readiness or {})
        self._more = dict(more or {})

    async def __call__(self, request: web.BaseRequest, path: str) -> web.StreamResponse | None:
        """Answer a path outside the API, or return None."""
        for prefix, page in self._more.items():
            if path == prefix or (prefix.endswith("/") and path.startswith(prefix)):
                return await page(request, path)
        if request.method == "POST" and (fire := FIRE.fullmatch(path)):
            return await self._fire(unquote(fire["name"]))
        return self._page(path) if request.method == "GET" else None

    def _page(self, path: str) -> web.Response | None:
        if path == "/":
            return _html("index.html", "<!-- content -->", self._index())
        if path == "/_local/health":
            return self._health()
        if path == "/_local/schedules":
            return json_response(self._schedules.upcoming() if self._schedules else {})
        docs = DOCS.fullmatch(path)
        return _html("docs.html", "{service}", docs["service"]) if docs else None

    @property
    def services(self) -> list[str]:
        """The services that publish an OpenAPI document."""
        return sorted(found["service"] for route in self._stack.routes if (found := OPENAPI.fullmatch(route.path)))

    def _index(self) -> str:
        docs = "".join(
            f'<li><a href="/_local/docs/{name}">{name}</a> (<a href="/api/v1/{name}/openapi.json">OpenAPI</a>)</li>'
            for name in self.services
        )
        routes = "".join(
            f"<tr><td>{escape(route.method)}</td><td><code>{escape(route.path)}</code></td>"
            f"<td>{escape(route.function)}</td><td>{_access(route.authorizer, route.streaming)}</td></tr>"
            for route in sorted(self._stack.routes, key=lambda route: (route.path, route.method))
        )
        schedules = "".join(
            f'<li>{escape(name)}, next {escape(when)} <button data-fire="{escape(name)}">fire now</button></li>'
            for name, when in (self._schedules.upcoming() if self._schedules else {}).items()
        )
        more = "".join(
            f'<li><a href="{escape(path)}">{escape(path)}</a></li>'
            for path in sorted(self._more)
            if not path.endswith("/")
        )
        return (
            f"<h2>API reference</h2><ul>{docs}</ul><h2>Routes</h2><table>{routes}</table>"
            f'<h2>Schedules</h2><ul>{schedules}</ul><h2>This laptop</h2><ul><li><a href="/_local/health">health</a>'
            f"</li>{more}</ul>"
        )

    def _health(self) -> web.Response:
        parts = {name: report() for name, report in self._readiness.items()}
        ready = _all_ready(parts)
        body = {"status": "ok" if ready else "starting", **parts}
        return json_response(body, HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE)

    async def _fire(self, name: str) -> web.Response:
        if self._schedules is None:
            return _no_schedule(name)
        try:
            invocation = await self._schedules.fire(name)
        except UnknownSchedule:
            return _no_schedule(name)
        return json_response(
            {
                "request_id": invocation.request_id,
                "function_error": invocation.function_error,
                "result": orjson.loads(invocation.payload),
            },
            HTTPStatus.BAD_GATEWAY if invocation.function_error else HTTPStatus.OK,
        )


def _access(authorizer: bool, streaming: bool) -> str:  # noqa: FBT001  two properties of a route, not options
    return ", ".join(word for word, on in (("authorizer", authorizer), ("streaming", streaming)) if on)


def _all_ready(report: object) -> bool:
    """Tell whether no `ready` anywhere in the report is false."""
    if not isinstance(report, Mapping):
        return True
    return report.get("ready") is not False and all(_all_ready(part) for part in report.values())


def _html(file: str, placeholder: str, content: str) -> web.Response:
    text = (HERE / file).read_text(encoding="utf-8").replace(placeholder, content)
    return web.Response(text=text, content_type="text/html", headers={"Cache-Control": "no-store"})


def _no_schedule(name: str) -> web.Response:
    problem = {
        "type": "about:blank",
        "title": HTTPStatus.NOT_FOUND.phrase,
        "status": HTTPStatus.NOT_FOUND,
        "detail": f"There is no schedule {name}; GET /_local/schedules lists them.",
    }
    return json_response(problem, HTTPStatus.NOT_FOUND, content_type="application/problem+json")
