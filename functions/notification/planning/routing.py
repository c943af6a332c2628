"""What people have chosen, as routes: who gets a notification where and when."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from notification.kinds.models import Channel
from notification.planning.models import Notification, Planned, Recipient, Route
from notification.planning.ports import Contacts
from notification.preferences.deciding import NOTHING, Counted, Matter, Reachable, Skip, decide
from notification.preferences.models import Choices, Defaults, language, time_zone
from notification.preferences.ports import Chosen

type Digest = Callable[[str], str]


class ChosenRouting:
    """Routes by what people and their organizations have chosen.

    Args:
        chosen: Their choices.
        contacts: Their phones and devices.
        address_hash: Of an address, under our secret.
        default_locale: For who has chosen none.
    """

    def __init__(self, *, chosen: Chosen, contacts: Contacts, address_hash: Digest, default_locale: str) -> None:
        self._chosen = chosen
        self._contacts = contacts
        self._address_hash = address_hash
        self._default_locale = default_locale

    async def routes(
        self, notification: Notification, recipients: Sequence[Recipient], *, now: datetime
    ) -> Sequence[Route]:
        """The recipients' routes, in their order. Called outside of the organization's transaction."""
        user_ids = [each.user_id for each in recipients if each.user_id is not None]
        defaults = await self._chosen.defaults_of(notification.org_id)
        defaults = defaults.model_copy(update={"locale": defaults.locale or self._default_locale})
        choices = await self._chosen.choices_of(user_ids) if user_ids else {}
        counted = await self._chosen.counted(choices, defaults, now) if choices else {}
        reachable = await self._contacts.reachable(user_ids) if user_ids else {}
        muted = await self._muted(notification, recipients)
        return [
            _Recipient(each, choices, reachable, counted).route(
                notification, defaults, now=now, muted=each.key in muted
            )
            for each in recipients
        ]

    async def _muted(self, notification: Notification, recipients: Sequence[Recipient]) -> set[str]:
        """Which of those without an account want no mails of this category."""
        if notification.critical:
            return set()
        hashes = {self._address_hash(each.email): each.key for each in recipients if each.email and not each.user_id}
        if not hashes:
            return set()
        muted = await self._chosen.muted_addresses(notification.org_id, notification.category, [*hashes])
        return {hashes[each] for each in muted}


class _Recipient:
    def __init__(
        self,
        recipient: Recipient,
        choices: Mapping[UUID, Choices],
        reachable: Mapping[UUID, Reachable],
        counted: Mapping[UUID, Counted],
    ) -> None:
        self._recipient = recipient
        user_id = recipient.user_id
        self._choices = choices.get(user_id, Choices()) if user_id is not None else Choices()
        self._counted = counted.get(user_id, NOTHING) if user_id is not None else NOTHING
        known = reachable.get(user_id, Reachable()) if user_id is not None else Reachable(account=False)
        self._reachable = known.model_copy(update={"email": recipient.email, "phone": recipient.phone or known.phone})

    def route(self, notification: Notification, defaults: Defaults, *, now: datetime, muted: bool) -> Route:
        """On which channels they get it."""
        if self._recipient.user_id is None:
            return self._listed(notification, defaults, now=now, muted=muted)
        matter = Matter(category=notification.category, channels=notification.channels, priority=notification.priority)
        planned = decide(matter, self._choices, defaults, self._reachable, now=now, counted=self._counted)
        messages: list[Planned] = []
        for each in planned:
            skipped = Skip.MUTED if muted and each.skipped is None else each.skipped
            messages += [
                Planned(
                    channel=each.channel,
                    address=address,
                    planned_for=each.planned_for,
                    digest=each.digest,
                    unless_read=each.unless_read,
                    skipped=skipped,
                )
                for address in (each.addresses if skipped is None else ()) or (None,)
            ]
        return Route(
            locale=language(self._choices, defaults),
            time_zone=str(time_zone(self._choices, defaults)),
            messages=tuple(messages),
        )

    def _listed(self, notification: Notification, defaults: Defaults, *, now: datetime, muted: bool) -> Route:
        """Addresses without an account get what was sent to them: nobody has chosen anything, but to be left alone."""
        addresses = {Channel.EMAIL: self._recipient.email, Channel.SMS: self._recipient.phone}
        messages = [
            Planned(channel=channel, address=address, planned_for=now)
            if not (muted and channel is Channel.EMAIL)
            else Planned(channel=channel, planned_for=now, skipped=Skip.MUTED)
            for channel, address in addresses.items()
            if channel in notification.channels and address is not None
        ]
        return Route(
            locale=language(self._choices, defaults),
            time_zone=str(time_zone(self._choices, defaults)),
            messages=tuple(messages),
        )
