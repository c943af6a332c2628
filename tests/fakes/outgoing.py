"""Messages as sending hands them to providers."""

import json
from datetime import timedelta
from uuid import UUID

from llmo_core.ids import new_id
from notification.contents import Content, EmailContent, PushContent, SmsContent
from notification.delivery.ports import Outgoing

UNSUBSCRIBE = "https://llmo.example/unsubscribe?org=1&token="


def mail(
    address: str = "anna@example.com",
    *,
    name: str | None = "Anna",
    subject: str = "Your invoice",
    html: str | None = None,
    text: str | None = None,
    critical: bool = False,
    unsubscribe_url: str | None = None,
    org_id: UUID | None = None,
) -> Outgoing:
    """A mail; its footer has the address for unsubscribing."""
    url = unsubscribe_url or ""
    content = EmailContent(
        subject=subject,
        html=f'<p>Hello</p><a href="{url.replace("&", "&amp;")}">No more</a>' if html is None else html,
        text=f"Hello\n\nNo more: {url}\n" if text is None else text,
    )
    return outgoing(
        address, content, name=name, critical=critical, unsubscribe_url=unsubscribe_url, org_id=org_id or new_id()
    )


def sms(number: str = "+4915112345678", text: str = "Your code is 123456.", *, critical: bool = True) -> Outgoing:
    """A text message."""
    return outgoing(number, SmsContent(text=text), critical=critical)


def push(
    device: object, *, title: str = "Budget", body: str = "95 % used", url: str | None = None, critical: bool = False
) -> Outgoing:
    """A push notification to a device, given as JSON has it."""
    return outgoing(json.dumps(device), PushContent(title=title, body=body, url=url), critical=critical)


def outgoing(
    address: str,
    content: Content,
    *,
    name: str | None = None,
    critical: bool = False,
    unsubscribe_url: str | None = None,
    org_id: UUID | None = None,
) -> Outgoing:
    """A message."""
    return Outgoing(
        message_id=new_id(),
        org_id=org_id,
        address=address,
        name=name,
        content=content,
        category="security" if critical else "invoices",
        critical=critical,
        unsubscribe_url=unsubscribe_url,
        time_to_live=timedelta(hours=24),
    )
