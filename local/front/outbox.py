"""The outbox: what the platform sent from this laptop, to look at in a browser, and for tests to read links in.

Mails are shown as they are, and may be anybody's: each is a document of its own in a frame that may do nothing.
"""

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import aiohttp
from aiohttp import web

from local.front.pages import Page

type Json = dict[str, Any]

PATH: Final = "/_local/outbox"
_HERE: Final = Path(__file__).parent
_MOST: Final = 100
_MAIL_POLICY: Final = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:"
_PAGE_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; form-action 'self'"
_TIMEOUT = aiohttp.ClientTimeout(total=10)


class Outbox:
    """The pages of the outbox.

    Args:
        recorder_url: Where the stand-ins are that have the messages.
    """

    def __init__(self, recorder_url: str) -> None:
        self._recorder_url = recorder_url

    def pages(self) -> Mapping[str, Page]:
        """What answers which path."""
        return {PATH: self._answer, f"{PATH}.json": self._answer, f"{PATH}/": self._show}

    async def _answer(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        given = request.query
        wanted = {name: given[name] for name in ("to", "channel", "provider", "message_id", "limit") if given.get(name)}
        found: Json = await self._ask("/_fake/messages", **{"limit": str(_MOST), **wanted})
        if path.endswith(".json") or "application/json" in request.headers.get("Accept", ""):
            return web.json_response(found, headers={"Cache-Control": "no-store"})
        page = (_HERE / "outbox.html").read_text(encoding="utf-8")
        page = page.replace("<!-- filter -->", escape(wanted.get("to", "")))
        page = page.replace("<!-- messages -->", "".join(map(_entry, found["data"])) or "<p>Nothing was sent yet.</p>")
        return _html(page, _PAGE_POLICY)

    async def _show(self, _request: web.BaseRequest, path: str) -> web.StreamResponse:
        """A mail alone, as a mail program would show it."""
        try:
            found: Json = await self._ask(f"/_fake/messages/{quote(path.rpartition('/')[2], safe='')}")
        except aiohttp.ClientResponseError:
            return web.json_response({"detail": "There is no such message."}, status=404)
        return _html(found.get("html") or f"<pre>{escape(found.get('text', ''))}</pre>", _MAIL_POLICY)

    async def _ask(self, path: str, **query: str) -> Any:  # noqa: ANN401 - any JSON
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT, raise_for_status=True) as session,
            session.get(self._recorder_url + path, params=query) as answer,
        ):
            return await answer.json()


def _entry(message: Json) -> str:
    about = escape(f"{message['channel']} by {message['provider']}")
    title = escape(str(message.get("subject") or message.get("title") or message.get("text", ""))[:120])
    moment = escape(message["sent"])
    links = "".join(
        f'<li><a rel="noreferrer" href="{escape(link)}">{escape(link)}</a></li>' for link in message["links"]
    )
    body = _mail(message) if message["channel"] == "email" else _short(message)
    return (
        f"<details><summary><b>{title}</b> <span>to {escape(str(message.get('to', '')))} · {about} · "
        f"<time>{moment}</time></span></summary>{body}"
        f"<details><summary>Links</summary><ul>{links}</ul></details>"
        f"<details><summary>Everything</summary><pre>{escape(json.dumps(message, indent=2, ensure_ascii=False))}</pre>"
        "</details></details>"
    )


def _mail(message: Json) -> str:
    return (
        f'<iframe sandbox="" loading="lazy" title="The mail" src="{PATH}/{escape(message["id"])}"></iframe>'
        f"<details><summary>Text</summary><pre>{escape(message.get('text', ''))}</pre></details>"
    )


def _short(message: Json) -> str:
    return f"<pre>{escape(str(message.get('text', '')))}</pre>"


def _html(text: str, policy: str) -> web.Response:
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
    return web.Response(text=text, content_type="text/html", headers=headers)
