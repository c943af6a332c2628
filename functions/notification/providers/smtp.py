"""Mails by any mail server (RFC 5321), over one connection that is used again."""

import asyncio
import re
import ssl
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from aiosmtplib import SMTP
from aiosmtplib.errors import (
    SMTPAuthenticationError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from notification.delivery.ports import Failed, Outcome, Outgoing, Refused, Sent
from notification.providers.answers import not_heard, not_reached, said_by
from notification.providers.mails import Sender, mail_of, written

_TIMEOUT_SECONDS: Final = 15.0
_LONGEST_SECONDS: Final = 45.0
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_PERMANENT: Final = 500
_GONE = re.compile(r"\b5\.1\.(?:1|2|3|6|10)\b")
"""Enhanced codes of addresses that are none (RFC 3463, RFC 7505): mailbox, domain, syntax, moved, takes no mail."""


class UnusableMailServer(ValueError):
    """The URL is none of a mail server, or would send a password unencrypted."""


class Smtp:
    """Sends mails by a mail server.

    Args:
        url: `smtps://user:password@host` is encrypted from its beginning on; `smtp://...` by STARTTLS, without which
            nothing is sent, unless `?starttls=never` says so of a server on this machine. Raises UnusableMailServer.
        tls: What certificates are trusted; those of the system unless it is given.
        timeout_seconds: How long one step may take.
        longest_seconds: How long all steps of one mail may take together, connecting included.
    """

    name = "smtp"
    batch = 1

    def __init__(
        self,
        url: str,
        *,
        sender: Sender,
        tls: ssl.SSLContext | None = None,
        timeout_seconds: float = _TIMEOUT_SECONDS,
        longest_seconds: float = _LONGEST_SECONDS,
    ) -> None:
        self._options = _options(url)
        self._sender = sender
        self._tls = tls
        self._timeout = timeout_seconds
        self._longest = longest_seconds
        self._turn = asyncio.Lock()
        self._connection: SMTP | None = None

    async def send(self, messages: Sequence[Outgoing]) -> Sequence[Outcome]:
        """Hand mails over, one after another; one outcome for each, in their order."""
        async with self._turn:
            return [await self._send(message) for message in messages]

    async def close(self) -> None:
        """Say goodbye, and close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None and connection.is_connected:
            try:
                await connection.quit(timeout=1)
            except (SMTPException, OSError):
                connection.close()

    async def _send(self, message: Outgoing) -> Outcome:
        mail = mail_of(message, self._sender)
        if isinstance(mail, Refused):
            return mail
        made = written(mail, self._sender)
        if made is None:
            return Refused("The address needs SMTPUTF8, which mail servers do not have to know.")
        writing = False
        try:
            async with asyncio.timeout(self._longest):
                connection = await self._ready(made["To"].addresses[0].addr_spec)
                writing = True
                answer = await connection.data(made.as_bytes())
        except (SMTPException, OSError) as error:
            await self._give_up(error)
            return _after(error) if writing else _before(error)
        return Sent(said_by(answer.message))

    async def _ready(self, to: str) -> SMTP:
        """A connection that has taken sender and recipient. One that was left alone for long may be none any more."""
        used_before, connection = self._connection is not None, await self._connected()
        try:
            await connection.mail(self._sender.address)
            await connection.rcpt(to)
        except SMTPRecipientRefused:
            raise
        except (SMTPException, OSError):
            if not used_before:
                raise
            self._drop()
            connection = await self._connected()
            await connection.mail(self._sender.address)
            await connection.rcpt(to)
        return connection

    async def _connected(self) -> SMTP:
        if self._connection is None or not self._connection.is_connected:
            self._connection = SMTP(**self._options, timeout=self._timeout, tls_context=self._tls)
            await self._connection.connect()
        return self._connection

    async def _give_up(self, error: Exception) -> None:
        """Begin anew: on the same connection when the server has answered, and still does."""
        connection = self._connection
        if connection is None or not connection.is_connected or not isinstance(error, SMTPResponseException):
            self._drop()
            return
        try:
            await connection.rset(timeout=5)
        except (SMTPException, OSError):
            self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _options(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise UnusableMailServer("A mail server's URL begins with smtp:// or smtps://.")
    never = parse_qs(parts.query).get("starttls") == ["never"]
    if never and parts.hostname not in _LOOPBACK:
        raise UnusableMailServer("Only a mail server on this machine may do without encryption.")
    encrypted = parts.scheme == "smtps"
    return {
        "hostname": parts.hostname,
        "port": parts.port or (465 if encrypted else 587),
        "username": unquote(parts.username) if parts.username else None,
        "password": unquote(parts.password) if parts.password else None,
        "local_hostname": "localhost",
        "use_tls": encrypted,
        "start_tls": False if encrypted else not never,
    }


def _before(error: Exception) -> Outcome:
    """What went wrong before the mail itself was written: nothing was sent."""
    if isinstance(error, SMTPAuthenticationError | SMTPSenderRefused) and error.code >= _PERMANENT:
        return Failed(said_by(f"{error.code}: {error.message}"), ours=True)
    if isinstance(error, SMTPRecipientRefused):
        return _answered(error)
    if isinstance(error, SMTPResponseException):
        return Failed(said_by(f"{error.code}: {error.message}"))
    return not_reached(error)


def _after(error: Exception) -> Outcome:
    """What went wrong once the mail was being written: without an answer nobody knows whether it was taken."""
    return _answered(error) if isinstance(error, SMTPResponseException) else not_heard(error)


def _answered(error: SMTPResponseException) -> Outcome:
    said = said_by(f"{error.code}: {error.message}")
    if error.code >= _PERMANENT:
        return Refused(said, gone=isinstance(error, SMTPRecipientRefused) and _GONE.search(error.message) is not None)
    return Failed(said)
