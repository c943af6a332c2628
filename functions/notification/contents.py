"""What a message says, rendered: on each channel in the shape that the channel has."""

from llmo_core.model import Model


class EmailContent(Model):
    """A mail: HTML with its styles inlined, and the same as plain text."""

    subject: str
    html: str
    text: str


class SmsContent(Model):
    """A text message."""

    text: str


class PushContent(Model):
    """A push notification; `url` is opened by who taps it."""

    title: str
    body: str
    url: str | None = None


class InAppContent(Model):
    """An entry of the inbox; `url` is where it leads."""

    title: str
    body: str
    url: str | None = None


type Content = EmailContent | SmsContent | PushContent | InAppContent
