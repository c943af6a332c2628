"""On which channels somebody is told something, and when: what follows from all that was chosen."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from pydantic import Field

from llmo_core.model import Model
from notification.kinds.models import CRITICAL, Category, Channel, Priority
from notification.preferences.models import UNMUTABLE, Choices, Defaults, time_zone

type Counted = Mapping[tuple[Channel, date], int]
"""How many messages somebody gets on a channel on a day of theirs: what caps count."""

NOTHING: Final[Counted] = MappingProxyType({})
# The inbox and devices first: whether an e-mail waits depends on them.
_IN_ORDER: Final = (Channel.IN_APP, Channel.PUSH, Channel.EMAIL, Channel.SMS)


class Skip(StrEnum):
    """Why something is not sent on a channel."""

    MUTED = "muted"
    NO_ADDRESS = "no_address"
    FREQUENCY_CAP = "frequency_cap"


class Matter(Model):
    """What somebody is to be told.

    Attributes:
        channels: Where its kind goes by itself.
    """

    category: Category
    channels: tuple[Channel, ...]
    priority: Priority = Priority.NORMAL

    @property
    def critical(self) -> bool:
        """Whether nobody can mute it."""
        return self.category in CRITICAL


class Reachable(Model):
    """Where somebody is.

    Attributes:
        account: Whether they have one, and with it an inbox.
        phone: Their number, once it is verified.
        devices: As providers of push read them (`notification.contacts`).
    """

    account: bool = True
    email: str | None = Field(None, repr=False)
    phone: str | None = Field(None, repr=False)
    devices: tuple[str, ...] = Field((), repr=False)

    def addresses(self, channel: Channel) -> tuple[str, ...] | None:
        """Where they are on a channel; None where they are not."""
        match channel:
            case Channel.IN_APP:
                return () if self.account else None
            case Channel.EMAIL:
                return (self.email,) if self.email is not None else None
            case Channel.SMS:
                return (self.phone,) if self.phone is not None else None
            case Channel.PUSH:
                return self.devices or None


class Planned(Model):
    """What becomes of it on a channel.

    Attributes:
        addresses: Where it goes; none of the inbox.
        planned_for: When, in UTC.
        digest: What it is gathered in, of one recipient: a category and a moment.
        unless_read: Whether it is not sent to who has read it in the inbox by then.
        skipped: Why it is not sent.
    """

    channel: Channel
    addresses: tuple[str, ...] = Field((), repr=False)
    planned_for: datetime
    digest: str | None = None
    unless_read: bool = False
    skipped: Skip | None = None


def decide(
    matter: Matter,
    choices: Choices,
    defaults: Defaults,
    reachable: Reachable,
    *,
    now: datetime,
    counted: Counted = NOTHING,
) -> Sequence[Planned]:
    """What becomes of something on each channel; nothing of channels that it does not go by, or nobody is on.

    What is critical goes by all channels of its kind's, at once: of those only SMS and push can be switched off, and
    none is added, for it may hold what signs somebody in. Anything else goes where the person chose, or else their
    organization, or else its kind; by SMS only where somebody chose so. What was switched off is told as skipped, and
    so is a person's own choice that cannot be followed.

    Args:
        matter: What they are to be told.
        choices: Their own.
        defaults: Their organization's, where it is told in one.
        reachable: Where they are.
        now: The moment from which on it may be sent.
        counted: What the caps of `choices` have been used up by, of days from today on.
    """
    deciding = _Deciding(matter, choices, defaults, now.astimezone(UTC), counted)
    planned: dict[Channel, Planned] = {}
    for channel in _IN_ORDER:
        if (found := deciding.on(channel, reachable.addresses(channel), planned)) is not None:
            planned[channel] = found
    return [planned[channel] for channel in Channel if channel in planned]


class _Deciding:
    def __init__(self, matter: Matter, choices: Choices, defaults: Defaults, now: datetime, counted: Counted) -> None:
        self._matter = matter
        self._choices = choices
        self._defaults = defaults
        self._now = now
        self._counted = counted
        self._zone = time_zone(choices, defaults)

    def on(
        self, channel: Channel, addresses: tuple[str, ...] | None, others: Mapping[Channel, Planned]
    ) -> Planned | None:
        usual, chosen = self._usual(channel), self._chosen(channel)
        follows = self._fallback(channel, others)
        if chosen is False:
            return self._skipped(channel, Skip.MUTED) if usual else None
        if not (usual or chosen or follows):
            return None
        if addresses is None:
            return self._skipped(channel, Skip.NO_ADDRESS) if self._own(channel) else None
        if self._matter.critical:
            return Planned(channel=channel, addresses=addresses, planned_for=self._now)
        return self._in_time(channel, addresses, follows)

    def _usual(self, channel: Channel) -> bool:
        """Whether it goes by a channel unless somebody switches that on or off."""
        listed = self._defaults.category_channels.get(self._matter.category)
        if self._matter.critical:
            return channel in self._matter.channels and (listed is None or channel in listed | UNMUTABLE)
        if listed is not None:
            return channel in listed
        return channel in self._matter.channels and channel is not Channel.SMS

    def _chosen(self, channel: Channel) -> bool | None:
        """What the person chose, or else their organization; None where nobody chose, or nobody can."""
        if self._matter.critical and (channel in UNMUTABLE or channel not in self._matter.channels):
            return None
        own = self._own(channel)
        return own if own is not None else self._defaults.channels.get(self._matter.category, {}).get(channel)

    def _own(self, channel: Channel) -> bool | None:
        return self._choices.channels.get(self._matter.category, {}).get(channel)

    def _fallback(self, channel: Channel, others: Mapping[Channel, Planned]) -> datetime | None:
        """When an e-mail follows what goes to devices and the inbox, if it does: only there is seen what was read."""
        minutes = self._defaults.push_fallback_minutes
        if channel is not Channel.EMAIL or minutes is None or self._matter.critical:
            return None
        push, inbox = others.get(Channel.PUSH), others.get(Channel.IN_APP)
        if push is None or inbox is None or push.skipped or inbox.skipped:
            return None
        return push.planned_for + timedelta(minutes=minutes)

    def _in_time(self, channel: Channel, addresses: tuple[str, ...], follows: datetime | None) -> Planned:
        planned_for = follows or self._now
        digest = self._choices.digests.get(self._matter.category) if channel is Channel.EMAIL else None
        if digest is not None:
            going = digest.next_after(self._now, self._zone)
            key = f"{self._matter.category}@{going:%Y-%m-%dT%H:%MZ}"
            return Planned(channel=channel, addresses=addresses, planned_for=going, digest=key)
        quiet = self._choices.quiet_hours if channel is not Channel.IN_APP else None
        if quiet is not None:
            planned_for = quiet.over_at(planned_for, self._zone)
        if self._capped(channel, planned_for):
            return self._skipped(channel, Skip.FREQUENCY_CAP)
        return Planned(channel=channel, addresses=addresses, planned_for=planned_for, unless_read=follows is not None)

    def _capped(self, channel: Channel, planned_for: datetime) -> bool:
        if channel is Channel.IN_APP:
            return False
        cap = self._choices.daily_caps.get(channel)
        return cap is not None and self._counted.get((channel, planned_for.astimezone(self._zone).date()), 0) >= cap

    def _skipped(self, channel: Channel, why: Skip) -> Planned:
        return Planned(channel=channel, planned_for=self._now, skipped=why)
