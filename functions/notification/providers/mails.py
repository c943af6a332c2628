"""Mails as every provider of them needs them: who sends, to whom, under which headers. Nothing is injected into them.

A subject or a name with line breaks would end a header and begin the next one: it is put on one line. An address that
is none, as far as that can break something, is refused.
"""

import re
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr
from typing import Final

from notification.contents import EmailContent
from notification.delivery.ports import Outgoing, Refused

NOT_A_MAIL: Final = Refused("The message is no mail.")
NO_ADDRESS: Final = Refused("The address is no e-mail address.", gone=True)
_CONTROLS = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_LOCAL: Final = r"[^\s\x00-\x1f\x7f@<>()\[\]\\,;:\"]{1,64}"
_DOMAIN: Final = r"[A-Za-z0-9\u0080-\uffff](?:[A-Za-z0-9.\u0080-\uffff-]{0,251}[A-Za-z0-9\u0080-\uffff])?"
_ADDRESS = re.compile(f"{_LOCAL}@{_DOMAIN}")
_LONGEST_URL: Final = 2000
_ASCII: Final = SMTP.clone(cte_type="7bit")


class NoSender(ValueError):
    """The sender's address is none."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who all mails come from.

    Attributes:
        name: As it is shown; may be empty.
    """

    address: str
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> "Sender":
        """`LLMOptimizer <no-reply@example.com>`, or the address alone. Raises NoSender."""
        name, address = parseaddr(text)
        if _ADDRESS.fullmatch(address) is None:
            raise NoSender(text)
        return cls(address, on_one_line(name))

    @property
    def domain(self) -> str:
        """Whose the address is."""
        return self.address.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that can be sent.

    Attributes:
        name: The recipient's; may be empty.
        headers: Those beside sender, recipient, subject and date.
    """

    to: str
    name: str
    subject: str
    html: str
    text: str
    headers: dict[str, str]


def mail_of(message: Outgoing, sender: Sender) -> Mail | Refused:
    """A message as a mail, or why it is none.

    `Message-ID` is the same however often, and by whomever, a message is sent: mail programs show it once. The header
    of unsubscribing is RFC 8058's; the large mailboxes ask for it of everybody who sends to many.
    """
    content = message.content
    if not isinstance(content, EmailContent):
        return NOT_A_MAIL
    if _ADDRESS.fullmatch(message.address) is None:
        return NO_ADDRESS
    headers = {
        "Message-ID": f"<{message.message_id}@{sender.domain}>",
        "Auto-Submitted": "auto-generated",  # RFC 3834: nobody's holiday answers it
    }
    url = message.unsubscribe_url
    if url is not None:
        if not _is_plain(url):
            return Refused("The address for unsubscribing is none.")
        headers |= {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    subject = on_one_line(content.subject) or "(no subject)"
    return Mail(message.address, on_one_line(message.name or ""), subject, content.html, content.text, headers)


def written(mail: Mail, sender: Sender) -> EmailMessage | None:
    """The mail as RFC 5322 and MIME have it, in ASCII; None when the part of the address before the `@` is not.

    What cannot stand in a header is encoded by the standard library.
    """
    to = _mailbox(mail.name, mail.to)
    if to is None:
        return None
    made = EmailMessage(policy=_ASCII)
    made["From"] = _mailbox(sender.name, sender.address)
    made["To"] = to
    made["Subject"] = mail.subject
    for name, value in mail.headers.items():
        made[name] = value
    made.set_content(mail.text or " ")
    if mail.html:
        made.add_alternative(mail.html, subtype="html")
    return made


def on_one_line(text: str) -> str:
    """A text without line breaks and other controls."""
    return _CONTROLS.sub(" ", text).strip()


def _mailbox(name: str, address: str) -> Address | None:
    """A domain has an ASCII form (RFC 5891); what stands before it has none."""
    local, _, domain = address.rpartition("@")
    try:
        return Address(name, local, domain.encode("idna").decode()) if local.isascii() else None
    except (UnicodeError, HeaderParseError):
        return None


def _is_plain(url: str) -> bool:
    return url.isascii() and url.isprintable() and len(url) <= _LONGEST_URL and not re.search(r"[\s<>]", url)
