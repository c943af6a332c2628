"""Whom an audience names, some at a time, in an order that a later run can go on from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from notification.kinds.models import Audience
from notification.models import Person
from notification.planning.models import Notification, Recipient
from notification.planning.ports import People

CHUNK: Final = 500
_LISTED: Final = "after:"  # it was `listed:`, with a position, once: what is left of those begins anew
_MEMBERS: Final = "members:"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some recipients.

    Attributes:
        after: What the next ones come after; None at the end.
    """

    recipients: Sequence[Recipient]
    after: str | None


class Recipients:
    """Finds recipients: first those that the audience lists, then members of the organization."""

    def __init__(self, people: People) -> None:
        self._people = people

    async def chunk(self, notification: Notification, after: str) -> Chunk:
        """The recipients after others. Somebody may be in two chunks: their messages are kept once."""
        # By key: who is taken off the list meanwhile hides nobody else.
        last_listed = after.removeprefix(_LISTED) if after.startswith(_LISTED) else ""
        listed = [each for each in _listed(notification.audience) if each.key > last_listed]
        if listed and not after.startswith(_MEMBERS):
            some = listed[:CHUNK]
            more = len(some) < len(listed) or _names_members(notification)
            return Chunk(await self._known(notification, some), f"{_LISTED}{some[-1].key}" if more else None)
        org_id = notification.org_id
        if org_id is None or not _names_members(notification):
            return Chunk([], None)
        last = UUID(after.removeprefix(_MEMBERS)) if after.startswith(_MEMBERS) else None
        members = await self._people.members(org_id, notification.audience, after=last, limit=CHUNK)
        following = f"{_MEMBERS}{members.after}" if members.after is not None else None
        return Chunk([_member(each) for each in members.people], following)

    async def still_told(
        self, before: Notification, notification: Notification, recipients: Sequence[Recipient]
    ) -> Sequence[Recipient | None]:
        """The same people as they are by now, in their order; None for who has left meanwhile.

        To be asked in the organization's transaction, while nobody leaves. Who is listed by name is told what is
        critical once more, as `leaving` has it, and farewells; they are forgotten then.

        Args:
            before: The notification as it was when these were its recipients.
            notification: As it is by now.
            recipients: They.
        """
        ids = [each.user_id for each in recipients if each.user_id is not None]
        org_id, members = notification.org_id, notification.org_id is not None and not notification.audience.anybody
        gone = await self._people.gone(ids, org_id=org_id, members=members) if ids else ()
        listed = {each.key for each in _listed(notification.audience)}
        unlisted = {each.key for each in _listed(before.audience)} - listed

        def now(recipient: Recipient) -> Recipient | None:
            if recipient.key in unlisted:
                return None
            if recipient.user_id not in gone:
                return recipient
            if recipient.key not in listed or not (notification.critical or notification.departing):
                return None
            return recipient.model_copy(update={"user_id": None, "departed": True})

        return [now(each) for each in recipients]

    async def _known(self, notification: Notification, listed: Sequence[Recipient]) -> Sequence[Recipient]:
        """The same with names and addresses of their accounts; without users that the organization does not have."""
        ids = [each.user_id for each in listed if each.user_id is not None]
        org_id = None if notification.audience.anybody else notification.org_id
        people = await self._people.named(ids, org_id=org_id) if ids else {}
        known = []
        for each in listed:
            person = people.get(each.user_id) if each.user_id is not None else None
            if person is not None:
                # An address of the event's own counts: the account may have another one by now.
                named = {"name": person.name, "organization": person.organization}
                known.append(each.model_copy(update={**named, "email": each.email or person.email}))
            elif each.email is not None or each.phone is not None:
                departed = each.user_id is not None and org_id is None
                known.append(each.model_copy(update={"user_id": None, "departed": departed}))
        return known


def _listed(audience: Audience) -> Sequence[Recipient]:
    """Each once, in the order of their keys."""
    found: dict[str, Recipient] = {}
    for address in audience.addresses:
        user_id = address.user_id
        if str(user_id) in found:  # both addresses of one account: it has one inbox
            user_id = None
        key = str(user_id or address.email.lower())
        found.setdefault(key, Recipient(key=key, user_id=user_id, email=address.email))
    for user_id in audience.user_ids:
        found.setdefault(str(user_id), Recipient(key=str(user_id), user_id=user_id))
    for phone in audience.phones:
        found.setdefault(phone, Recipient(key=phone, phone=phone))
    return sorted(found.values(), key=lambda each: each.key)


def _names_members(notification: Notification) -> bool:
    audience = notification.audience
    return bool(audience.roles or audience.permission or audience.topic)


def _member(person: Person) -> Recipient:
    return Recipient(
        key=str(person.user_id),
        user_id=person.user_id,
        email=person.email,
        name=person.name,
        organization=person.organization,
    )
