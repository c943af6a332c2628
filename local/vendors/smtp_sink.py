"""A mail server that sends nothing on: what it takes can be read in the outbox.

The beginning of an address says what it does (up to `+`, `-` or `.`): `bounce@` is not there, `defer@` shall be tried
later. Faults (`message_faults`) of the path `/smtp` are about its DATA: `status` is a code of SMTP.
"""

import asyncio
import re
import ssl
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, Final

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from local.vendors.message_faults import Faults
from local.vendors.message_records import Records

_ANSWERS: Final = {
    "bounce": "550 5.1.1 The mailbox does not exist",
    "defer": "451 4.7.1 Later, please",
}


class SmtpSink:
    """The mail server.

    Args:
        records: Where mails are kept.
        faults: What fails.
    """

    def __init__(self, records: Records, faults: Faults) -> None:
        self._records = records
        self._faults = faults

    async def serve(self, port: int, *, tls: ssl.SSLContext | None = None) -> asyncio.Server:
        """Listen on 127.0.0.1; with `tls` nothing is taken that is not encrypted."""
        loop = asyncio.get_running_loop()

        def connection() -> SMTP:
            return SMTP(
                self,
                hostname="localhost",
                loop=loop,
                tls_context=tls,
                require_starttls=tls is not None,
                auth_require_tls=tls is not None,
                authenticator=_authenticated,
            )

        return await loop.create_server(connection, "127.0.0.1", port)

    async def handle_RCPT(  # noqa: N802 - as aiosmtpd names it
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take a recipient, or not."""
        behaviour = re.split(r"[+.-]", address.partition("@")[0], maxsplit=1)[0].lower()
        if behaviour in _ANSWERS:
            return _ANSWERS[behaviour]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - likewise
        """Keep a mail."""
        fault = self._faults.next("SMTP", "/smtp")
        if "stall" in fault:
            await asyncio.sleep(fault["stall"])
        if "status" in fault:
            return f"{fault['status']} A fault that was asked for"
        content = envelope.content
        assert isinstance(content, bytes)  # noqa: S101 - it is not decoded
        mail: Any = message_from_bytes(content, policy=default)
        kept = [self._keep(mail, address) for address in envelope.rcpt_tos]
        if fault.get("lost") and server.transport is not None:
            server.transport.close()
        return f"250 OK {kept[0]}"

    def _keep(self, mail: EmailMessage, address: str) -> str:
        headers = {name: str(value) for name, value in mail.items()}
        text, html = mail.get_body(("plain",)), mail.get_body(("html",))
        to = mail["To"].addresses[0] if mail["To"] is not None and mail["To"].addresses else None
        made = self._records.add(
            "email",
            "smtp",
            to=address,
            name=to.display_name if to is not None else None,
            subject=headers.get("Subject", ""),
            text=text.get_content() if text is not None else "",
            html=html.get_content() if html is not None else "",
            headers=headers,
            message_id=headers.get("Message-ID", "").strip("<>").partition("@")[0],
        )
        return str(made["id"])


def _authenticated(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: Any) -> AuthResult:  # noqa: ANN401 - as aiosmtpd's
    good = isinstance(given, LoginPassword) and not given.password.startswith(b"wrong")
    return AuthResult(success=good, handled=False)
