"""Mail servers: what they have beside other providers of mails."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from notification.delivery.ports import Failed, Refused, Sent
from notification.providers.smtp import Smtp, UnusableMailServer
from tests.fakes.messages import FakeVendors
from tests.fakes.outgoing import mail
from tests.integration.certificates import certified
from tests.integration.notification.providers.mailers import SENDER


@pytest_asyncio.fixture
async def smtp(vendors: FakeVendors) -> AsyncIterator[Smtp]:
    made = Smtp(f"smtp://127.0.0.1:{vendors.smtp_port}?starttls=never", sender=SENDER)
    yield made
    await made.close()


async def test_who_is_not_there_is_never_sent_to_again_and_keeps_nobody_back(vendors: FakeVendors, smtp: Smtp) -> None:
    outcomes = await smtp.send([mail("bounce@example.com"), mail("defer@example.com"), mail()])
    assert isinstance(outcomes[0], Refused)
    assert outcomes[0].gone
    assert isinstance(outcomes[1], Failed)
    assert isinstance(outcomes[2], Sent)
    assert [each["to"] for each in vendors.sent()] == ["anna@example.com"]


async def test_a_mail_that_is_not_taken_is_no_reason_against_its_address(vendors: FakeVendors, smtp: Smtp) -> None:
    vendors.fails("/smtp", status=554)
    outcomes = await smtp.send([mail(), mail()])
    assert isinstance(outcomes[0], Refused)
    assert not outcomes[0].gone
    assert isinstance(outcomes[1], Sent)


async def test_a_connection_that_was_closed_meanwhile_is_made_anew(vendors: FakeVendors, smtp: Smtp) -> None:
    await smtp.send([mail()])
    connection = smtp._connection
    assert connection is not None
    assert connection.transport is not None
    connection.transport.close()
    (outcome,) = await smtp.send([mail()])
    assert isinstance(outcome, Sent)
    assert len(vendors.sent()) == 2


async def test_addresses_outside_of_ascii_go_by_their_domains_other_name(vendors: FakeVendors, smtp: Smtp) -> None:
    outcomes = await smtp.send([mail("anna@bücher.example"), mail("änne@example.com")])
    assert isinstance(outcomes[0], Sent)
    assert isinstance(outcomes[1], Refused)
    assert [each["to"] for each in vendors.sent()] == ["anna@xn--bcher-kva.example"]


async def test_nothing_is_sent_unencrypted_to_a_server_that_does_not_encrypt(vendors: FakeVendors) -> None:
    smtp = Smtp(f"smtp://user:right@127.0.0.1:{vendors.smtp_port}", sender=SENDER)
    (outcome,) = await smtp.send([mail()])
    await smtp.close()
    assert isinstance(outcome, Failed)
    assert vendors.sent() == []


async def test_starttls_encrypts_what_is_sent(vendors: FakeVendors, tmp_path: Path) -> None:
    server_tls, client_tls = certified("localhost", tmp_path)
    server = await vendors.api.smtp.serve(0, tls=server_tls)
    port = server.sockets[0].getsockname()[1]
    smtp = Smtp(f"smtp://user:right@localhost:{port}", sender=SENDER, tls=client_tls)
    (outcome,) = await smtp.send([mail()])
    await smtp.close()
    server.close()
    assert isinstance(outcome, Sent)


async def test_a_server_that_nobody_vouches_for_gets_nothing(vendors: FakeVendors, tmp_path: Path) -> None:
    server_tls, _ = certified("localhost", tmp_path)
    server = await vendors.api.smtp.serve(0, tls=server_tls)
    port = server.sockets[0].getsockname()[1]
    smtp = Smtp(f"smtp://user:right@localhost:{port}", sender=SENDER)
    (outcome,) = await smtp.send([mail()])
    await smtp.close()
    server.close()
    assert isinstance(outcome, Failed)
    assert not outcome.unknown
    assert vendors.sent() == []


async def test_a_mail_that_takes_too_long_in_all_may_have_been_taken_once_it_was_being_written(
    vendors: FakeVendors,
) -> None:
    vendors.fails("/smtp", stall=10.0)
    url = f"smtp://127.0.0.1:{vendors.smtp_port}?starttls=never"
    smtp = Smtp(url, sender=SENDER, longest_seconds=3.0)
    slow, following = await smtp.send([mail(), mail("grace@example.com")])
    await smtp.close()
    assert isinstance(slow, Failed)
    assert slow.unknown
    assert isinstance(following, Sent)
    assert [each["to"] for each in vendors.sent()] == ["grace@example.com"]


async def test_a_server_that_takes_too_long_before_was_sent_nothing() -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # it greets nobody
        writer.close()

    server = await asyncio.start_server(slow, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    smtp = Smtp(f"smtp://127.0.0.1:{port}?starttls=never", sender=SENDER, timeout_seconds=60.0, longest_seconds=0.2)
    (outcome,) = await smtp.send([mail()])
    await smtp.close()
    server.close()
    await server.wait_closed()
    assert isinstance(outcome, Failed)
    assert not outcome.unknown


@pytest.mark.parametrize(
    "url", ["smtp://mail.example?starttls=never", "http://mail.example", "smtp://", "mail.example"]
)
def test_an_url_that_would_send_unencrypted_is_refused(url: str) -> None:
    with pytest.raises(UnusableMailServer):
        Smtp(url, sender=SENDER)
