"""Bodies about what somebody would get."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, JsonValue

from llmo_core.fields import Flag, TimeZone
from llmo_core.model import Model
from notification.contents import Content, EmailContent, InAppContent, PushContent, SmsContent
from notification.kinds.models import Channel
from notification.templates.bounds import segments
from notification.templates.models import Wording
from notification.templates.previewing import Previewed, Setting
from notification.templates.schemas import WORDING, Declared, KindName, LocaleTag, Number, Parts, storable

type Given = Annotated[dict[str, JsonValue], Field(max_length=100), AfterValidator(storable)]


class _Shown(Model):
    variables: Given = Field(default_factory=dict, description="In place of the examples.")
    time_zone: TimeZone = "UTC"
    person: Annotated[str, Field(max_length=200)] | None = "Ada Lovelace"
    organization: Annotated[str, Field(max_length=200)] | None = "Analytical Engines"
    unsubscribable: Flag = True

    def setting(self) -> Setting:
        """For whom."""
        return Setting(**{name: getattr(self, name) for name in Setting.model_fields})


class PreviewTemplate(_Shown):
    """Which version for whom; null is the draft, else what is sent."""

    version: Number | None = None


class Preview(_Shown):
    """What is not kept, or without parts what is shipped, and for whom."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"kind": "budget_threshold", "channel": "email", "locale": "en", **WORDING}],
        }
    )

    kind: KindName
    channel: Channel
    locale: LocaleTag = "en"
    parts: Parts | None = None
    declared: Declared = Field(default_factory=list)

    def previewed(self) -> Previewed:
        """What is asked for."""
        wording = Wording(parts=self.parts, variables=tuple(self.declared)) if self.parts is not None else None
        return Previewed(kind=self.kind, channel=self.channel, locale=self.locale, wording=wording)


class EmailOut(EmailContent):
    """A mail."""

    channel: Literal[Channel.EMAIL] = Channel.EMAIL


class SmsOut(SmsContent):
    """A text message, and in how many parts it is sent and paid for; `gsm_7` or `ucs_2`."""

    channel: Literal[Channel.SMS] = Channel.SMS
    segments: int
    encoding: str


class PushOut(PushContent):
    """A push notification."""

    channel: Literal[Channel.PUSH] = Channel.PUSH


class InAppOut(InAppContent):
    """An entry of the inbox."""

    channel: Literal[Channel.IN_APP] = Channel.IN_APP


type PreviewOut = Annotated[EmailOut | SmsOut | PushOut | InAppOut, Field(discriminator="channel")]


def preview_of(content: Content) -> EmailOut | SmsOut | PushOut | InAppOut:
    """Show what somebody would get."""
    match content:
        case EmailContent():
            return EmailOut(**dict(content))
        case SmsContent():
            sent = segments(content.text)
            return SmsOut(text=content.text, segments=sent.count, encoding=sent.encoding)
        case PushContent():
            return PushOut(**dict(content))
        case InAppContent():
            return InAppOut(**dict(content))


class TestOut(Model):
    """The notification that the test is."""

    notification_id: UUID
