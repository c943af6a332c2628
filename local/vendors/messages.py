"""Stand-ins for those who send messages: `python -m local.vendors.messages --port 8430`, or `MessageApi()` in tests.

The real SDKs speak to them. Nothing leaves this machine: what was sent can be read at `GET /_fake/messages` (`?to=`,
`?channel=`, `?message_id=`, `?limit=`), `GET /_fake/messages/<id>`, and at `/_local/outbox` of the laptop's front door.
`GET /_fake/counts` says how many came, and which of ours came more than once. Each vendor's module says what it has,
what it lacks, and which addresses misbehave.

`POST /_fake/faults` has the next requests fail (see `message_faults`); `POST /_fake/clear` forgets faults and messages.
"""

import argparse
import asyncio
import signal
from pathlib import Path

from aiohttp import web

from local.vendors.message_faults import Faults
from local.vendors.message_records import Records
from local.vendors.message_webhooks import EventKey, WebhookPosts
from local.vendors.push_services import PushServices
from local.vendors.sendgrid_api import SendGridApi
from local.vendors.smtp_sink import SmtpSink
from local.vendors.twilio_api import TwilioApi

_LARGEST = 32 * 2**20


class MessageApi:
    """The stand-ins as an aiohttp application.

    Attributes:
        records: What was sent.
        faults: What fails.
        key: What SendGrid's events are signed with.
        smtp: A mail server, which listens on a port of its own.

    Args:
        file: Where it keeps what was sent; None in memory. The key is kept beside it.
        webhook_base: The receiver of webhooks, below which `/webhooks/sendgrid` is; None tells nobody.
    """

    def __init__(self, *, file: Path | None = None, webhook_base: str | None = None) -> None:
        self.records = Records(file)
        self.faults = Faults()
        self.key = EventKey(file.with_suffix(".pem") if file is not None else None)
        self.smtp = SmtpSink(self.records, self.faults)
        posts = WebhookPosts(f"{webhook_base}/webhooks/sendgrid" if webhook_base else None, self.key)
        self.app = web.Application(client_max_size=_LARGEST, middlewares=[self.faults.middleware])
        SendGridApi(self.records, self.key, posts.tell_events).add_routes(self.app)
        TwilioApi(self.records, posts.tell_callback).add_routes(self.app)
        PushServices(self.records).add_routes(self.app)
        self.app.router.add_get("/_fake/messages", self._list)
        self.app.router.add_get("/_fake/messages/{id}", self._show)
        self.app.router.add_get("/_fake/counts", self._count)
        self.app.router.add_post("/_fake/faults", self._add_fault)
        self.app.router.add_post("/_fake/clear", self._clear)
        self.app.on_cleanup.append(posts.close)

    async def _list(self, request: web.Request) -> web.Response:
        given = request.query
        equal = {name: given[name] for name in ("channel", "provider", "message_id") if given.get(name)}
        found = self.records.newest(limit=int(given.get("limit", "100")), to=given.get("to", ""), **equal)
        return web.json_response({"data": found})

    async def _show(self, request: web.Request) -> web.Response:
        found = self.records.find(request.match_info["id"])
        if found is None:
            raise web.HTTPNotFound
        return web.json_response(found)

    async def _count(self, _request: web.Request) -> web.Response:
        return web.json_response(self.records.counts())

    async def _add_fault(self, request: web.Request) -> web.Response:
        self.faults.add(await request.json())
        return web.json_response({}, status=201)

    async def _clear(self, _request: web.Request) -> web.Response:
        self.records.clear()
        self.faults.clear()
        return web.json_response({})


async def serve(port: int, api: MessageApi, smtp_port: int | None = None) -> None:
    """Serve on 127.0.0.1 until SIGINT or SIGTERM."""
    runner = web.AppRunner(api.app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    mail_server = await api.smtp.serve(smtp_port) if smtp_port is not None else None
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await stopping.wait()
    if mail_server is not None:
        mail_server.close()
    await runner.cleanup()


def main() -> None:
    """Run the stand-ins."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--smtp-port", type=int)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--webhook-base")
    options = parser.parse_args()
    api = MessageApi(file=options.file, webhook_base=options.webhook_base)
    asyncio.run(serve(options.port, api, options.smtp_port))


if __name__ == "__main__":
    main()
