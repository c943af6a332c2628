"""The outbox at the front door, and what the stand-ins tell afterwards."""

import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from sendgrid import EventWebhook

from llmo_core.clock import SystemClock
from local.front.outbox import Outbox
from local.vendors.message_webhooks import SIGNATURE, TIMESTAMP
from notification.providers.mails import Sender
from notification.providers.sendgrid import SendGrid
from tests.fakes.messages import FakeVendors, running_vendors
from tests.fakes.outgoing import mail

LINK = "https://llmo.example/verify?token=abc&email=a"


@pytest_asyncio.fixture
async def vendors() -> AsyncIterator[FakeVendors]:
    async with running_vendors() as running:
        yield running


@pytest_asyncio.fixture
async def sendgrid(vendors: FakeVendors) -> AsyncIterator[SendGrid]:
    made = SendGrid("SG.test", sender=Sender("a@llmo.example"), clock=SystemClock(), base_url=vendors.url)
    yield made
    await made.close()


@pytest_asyncio.fixture
async def outbox_url(vendors: FakeVendors) -> AsyncIterator[str]:
    pages = Outbox(vendors.url).pages()

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        found = next(page for prefix, page in pages.items() if path == prefix or prefix.endswith("/"))
        return await found(request, path)

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/_local/outbox"
    await runner.cleanup()


async def test_a_test_reads_the_link_of_a_mail(sendgrid: SendGrid, outbox_url: str) -> None:
    await sendgrid.send([mail(text=f"Go to {LINK}."), mail("bert@example.com")])
    for url, accepted in ((f"{outbox_url}.json", "*/*"), (outbox_url, "application/json")):
        headers = {"Accept": accepted}
        async with aiohttp.ClientSession() as session, session.get(f"{url}?to=anna@", headers=headers) as answer:
            (found,) = (await answer.json())["data"]
        assert found["links"][0] == LINK
        assert (found["channel"], found["provider"], found["subject"]) == ("email", "sendgrid", "Your invoice")


async def test_a_mail_may_do_nothing_in_the_browser(sendgrid: SendGrid, outbox_url: str, vendors: FakeVendors) -> None:
    evil = "<script>alert(1)</script>"
    await sendgrid.send([mail(html=evil, subject=evil, name=evil, text=evil)])
    (sent,) = vendors.sent()
    async with aiohttp.ClientSession() as session:
        async with session.get(outbox_url) as answer:
            page = await answer.text()
            assert "script-src" not in answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        async with session.get(f"{outbox_url}/{sent['id']}") as answer:
            assert await answer.text() == evil
            assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
        async with session.get(f"{outbox_url}/none") as answer:
            assert answer.status == 404
    assert "<script>" not in page
    assert 'sandbox=""' in page


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("anna@example.com", ["processed", "delivered"]),
        ("bounce+1@example.com", ["processed", "bounce"]),
        ("complaint@example.com", ["processed", "delivered", "spamreport"]),
        ("twice@example.com", ["delivered", "processed", "processed", "delivered"]),
    ],
)
async def test_what_became_of_a_mail_is_told_and_signed(
    vendors: FakeVendors, sendgrid: SendGrid, address: str, told: list[str]
) -> None:
    message = mail(address)
    await sendgrid.send([message])
    ((path, headers, body),) = await vendors.told.until(1)
    assert path == "/webhooks/sendgrid"
    webhook = EventWebhook(vendors.api.key.public)
    assert webhook.verify_signature(body.decode(), headers[SIGNATURE], headers[TIMESTAMP])
    events = json.loads(body)
    assert [event["event"] for event in events] == told
    assert {event["message_id"] for event in events} == {str(message.message_id)}
    assert len({event["sg_event_id"] for event in events}) == len(set(told))
