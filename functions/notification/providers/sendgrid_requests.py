"""Requests to SendGrid: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from notification.delivery.ports import Outgoing
from notification.providers.mails import Mail, Sender

type Json = dict[str, Any]
type Shared = tuple[str, str, str, str, bool]
"""What all messages of a request have to share: subject, HTML, text, category, whether it is critical."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A message, and what of it is its recipient's own.

    Attributes:
        place: Which of the messages it is.
    """

    place: int
    message: Outgoing
    mail: Mail
    shared: Shared
    substitutions: dict[str, str]


def prepared(place: int, message: Outgoing, mail: Mail) -> Prepared:
    """What is a recipient's own becomes a substitution; the words that stand for it are nobody else's."""
    html, text, substitutions = mail.html, mail.text, dict[str, str]()
    url = message.unsubscribe_url
    if url is not None:
        for name, value in (("-llmo.unsubscribe.html-", escape(url)), ("-llmo.unsubscribe.text-", url)):
            if name in mail.html + mail.text + mail.subject:  # somebody's own words: it goes as it is, and alone
                return Prepared(place, message, mail, _shared(message, mail, mail.html, mail.text), {})
            html, text = html.replace(value, name), text.replace(value, name)
            substitutions[name] = value
    return Prepared(place, message, mail, _shared(message, mail, html, text), substitutions)


def request_body(request: Sequence[Prepared], sender: Sender) -> Json:
    """Messages that share everything but what is their recipients' own."""
    subject, html, text, category, critical = request[0].shared
    contents = {"text/plain": text, "text/html": html}
    body: Json = {
        "from": _person(sender.address, sender.name),
        "subject": subject,
        "content": [{"type": kind, "value": value} for kind, value in contents.items() if value],
        "categories": [category],
        "personalizations": [_personalization(each) for each in request],
        "tracking_settings": {"subscription_tracking": {"enable": False}},  # we have our own
    }
    if critical:
        untracked = {"enable": False}
        body["tracking_settings"] |= {"click_tracking": untracked, "open_tracking": untracked}
        body["mail_settings"] = {"bypass_unsubscribe_management": {"enable": True}}
    return body


def _shared(message: Outgoing, mail: Mail, html: str, text: str) -> Shared:
    return mail.subject, html, text, message.category, message.critical


def _personalization(prepared: Prepared) -> Json:
    message = prepared.message
    arguments = {"message_id": str(message.message_id)}
    if message.org_id is not None:
        arguments["org_id"] = str(message.org_id)
    made: Json = {
        "to": [_person(prepared.mail.to, prepared.mail.name)],
        "headers": prepared.mail.headers,
        "custom_args": arguments,
    }
    if prepared.substitutions:
        made["substitutions"] = prepared.substitutions
    return made


def _person(address: str, name: str) -> Json:
    """Somebody as SendGrid wants them: a name with a comma or a semicolon stands in quotes."""
    if not name:
        return {"email": address}
    quoted = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return {"email": address, "name": quoted if re.search(r"[,;]", name) else name}
