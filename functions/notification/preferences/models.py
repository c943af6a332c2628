"""What people and organizations choose, and what can go wrong with it."""

from collections.abc import Collection, Mapping
from typing import Annotated, Final, Literal, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field, PlainSerializer

from llmo_core.errors import Invalid, Stale
from llmo_core.fields import Flag, Moment, TimeZone
from llmo_core.model import Model
from notification.kinds.models import CRITICAL, Category, Channel
from notification.preferences.locales import Locale, language_of
from notification.preferences.moments import Digest, QuietHours

UNMUTABLE: Final = frozenset({Channel.EMAIL, Channel.IN_APP})
"""Where what is critical always goes, if it goes there at all."""


class PreferencesChanged(Stale):
    """The preferences have another revision by now: read them again, and decide anew."""


class CriticalCategory(Invalid):
    """What is about an account, its security or payments is always sent by e-mail and to the inbox, and at once."""


type Switches = Mapping[Category, Mapping[Channel, Flag]]
"""On and off, of a category on a channel; what is left out is as it would be without."""

type Channels = Annotated[
    frozenset[Channel],
    Field(json_schema_extra={"uniqueItems": False}),
    PlainSerializer(sorted, return_type=list[str], when_used="json"),
]

type CappedChannel = Literal[Channel.EMAIL, Channel.SMS, Channel.PUSH]
type Cap = Annotated[int, Field(ge=0, le=1000, strict=True)]


_LOCALE: Final = Field(description="A BCP 47 tag; messages are in `en`, `de` or `fr`, whichever is nearest.")
_TIME_ZONE: Final = Field(description="By whose clock quiet hours, digests and days go.")
_SWITCHES: Final = "`true` sends a category on a channel, `false` does not; what is left out is as it would be without."


class Choices(Model):
    """What somebody chose for themselves; it goes before what their organization chose.

    Attributes:
        quiet_hours: When nothing is sent that can wait; the inbox never rings, and is filled at once.
        digests: The categories whose e-mail is gathered. A digest goes at its hour, quiet or not.
        daily_caps: The most messages of a channel on one day of theirs.
    """

    locale: Annotated[Locale | None, _LOCALE] = None
    time_zone: Annotated[TimeZone | None, _TIME_ZONE] = None
    quiet_hours: Annotated[
        QuietHours | None, Field(description="When nothing is sent that can wait; the inbox is filled nevertheless.")
    ] = None
    digests: Mapping[Category, Digest] = Field(
        default_factory=dict, description="Categories whose e-mail is gathered to one, and when that goes."
    )
    channels: Switches = Field(default_factory=dict, description=_SWITCHES)
    daily_caps: Mapping[CappedChannel, Cap] = Field(
        default_factory=dict, description="The most messages of a channel on one day; critical ones do not count."
    )

    def require_sensible(self) -> None:
        """Raise CriticalCategory when this would hold back what nobody can mute."""
        _require_unmuted(self.channels)
        if gathered := CRITICAL & self.digests.keys():
            raise CriticalCategory(f"Nothing of {min(gathered)} waits for a digest.")

    def switched(self, category: Category, channel: Channel, *, on: bool) -> Self:
        """With a channel of a category switched on or off."""
        switches = {**self.channels.get(category, {}), channel: on}
        return self.model_copy(update={"channels": {**self.channels, category: switches}})


class Defaults(Model):
    """What an organization chose for those who chose nothing.

    Attributes:
        category_channels: Where a category goes in place of where its kinds go by themselves.
        push_fallback_minutes: How long a push notification may stay unread in the inbox before an e-mail follows it.
            Without it both go at once.
    """

    locale: Annotated[Locale | None, _LOCALE] = None
    time_zone: Annotated[TimeZone | None, _TIME_ZONE] = None
    channels: Switches = Field(default_factory=dict, description=_SWITCHES)
    category_channels: Mapping[Category, Channels] = Field(
        default_factory=dict, description="Where a category goes, in place of where its kinds go by themselves."
    )
    push_fallback_minutes: Annotated[
        int | None,
        Field(
            ge=1,
            le=10_080,
            strict=True,
            description="An e-mail follows a push notification that nobody has read in the inbox for so long, and does "
            "not go at once.",
        ),
    ] = None

    def require_sensible(self) -> None:
        """Raise CriticalCategory when this would hold back what nobody can mute."""
        _require_unmuted(self.channels)
        for category, channels in self.category_channels.items():
            if category in CRITICAL and not channels >= UNMUTABLE:
                raise CriticalCategory


def _require_unmuted(switches: Switches) -> None:
    for category, channels in switches.items():
        for channel, on in channels.items():
            if category in CRITICAL and channel in UNMUTABLE and not on:
                raise CriticalCategory(f"What is about {category} cannot be muted on the channel {channel}.")


class _Revised(Model):
    revision: int = 1
    updated_at: Moment | None = None

    def require_revision(self, expected: Collection[int] | None) -> None:
        """Raise PreferencesChanged unless the revision is one of these; None are all."""
        if expected is not None and self.revision not in expected:
            raise PreferencesChanged


class UserPreferences(_Revised):
    """A person's choices; revision 1 before they made any, and one more with each change."""

    user_id: UUID
    choices: Choices = Choices()


class OrganizationPreferences(_Revised):
    """An organization's defaults; revision 1 before anybody chose any, and one more with each change."""

    org_id: UUID
    defaults: Defaults = Defaults()
    updated_by: UUID | None = None


def language(choices: Choices, defaults: Defaults) -> str:
    """What somebody is written in: one of LANGUAGES."""
    return language_of(choices.locale, defaults.locale)


def time_zone(choices: Choices, defaults: Defaults) -> ZoneInfo:
    """By which clock somebody lives; UTC where nobody said."""
    return ZoneInfo(choices.time_zone or defaults.time_zone or "UTC")
