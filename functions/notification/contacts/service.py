"""What one can do with one's contacts."""

import hmac
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from uuid import UUID

from llmo_auth.principal import Person
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_data.ports import Transaction
from notification.contacts.codes import CodeHashes
from notification.contacts.endpoints import require_push_service
from notification.contacts.models import (
    BETWEEN_CODES,
    COUNTED,
    MOST_CODES,
    MOST_DEVICES,
    Device,
    FcmAddress,
    Phone,
    SentCode,
    TooManyCodes,
    UnknownDevice,
    WebPushAddress,
    WrongCode,
)
from notification.contacts.numbers import require_texts
from notification.contacts.ports import CodeSender, Devices, Phones


class PhoneService:
    """Confirms a person's phone number.

    Args:
        countries: Where text messages are sent to: codes of ISO 3166-1.
        number_hash: What is kept of a number that a code was sent to.
        new_code: Makes six digits that nobody can guess.
    """

    def __init__(
        self,
        *,
        phones: Phones,
        sender: CodeSender,
        hashes: CodeHashes,
        countries: Collection[str],
        number_hash: Callable[[str], str],
        transaction: Transaction,
        clock: Clock,
        new_id: NewId,
        new_code: Callable[[], str],
    ) -> None:
        self._phones = phones
        self._sender = sender
        self._hashes = hashes
        self._countries = countries
        self._number_hash = number_hash
        self._transaction = transaction
        self._clock = clock
        self._new_id = new_id
        self._new_code = new_code

    async def show(self, person: Person) -> Phone:
        """The caller's; empty where they have none."""
        found = await self._phones.find(person.user_id)
        return found if found is not None else Phone(user_id=person.user_id, created_at=self._clock.now())

    async def ask(self, person: Person, number: str) -> Phone:
        """Send a code to a number; the one before stays until the new one is confirmed.

        Nothing is sent to the number that is confirmed already. Raises UnservedCountry, NoMobileNumber,
        TooManyCodes.
        """
        require_texts(number, self._countries)
        now, code = self._clock.now(), self._new_code()
        async with self._transaction(None):
            before = await self._phones.locked(person.user_id, now=now)
            if before.number == number:
                return before
            await self._count(person.user_id, number, now)
            after = before.pending(number, self._hashes.of(person.user_id, number, code), now)
            await self._phones.change(after)
            expires_at = after.code_expires_at or now
            await self._sender.send_code(user_id=person.user_id, number=number, code=code, expires_at=expires_at)
        return after

    async def _count(self, user_id: UUID, number: str, now: datetime) -> None:
        """Keep that a code is sent. Raises TooManyCodes."""
        number_hash = self._number_hash(number)
        sent = await self._phones.sent_codes(user_id, number_hash, since=now - COUNTED)
        of_user = [each.sent_at for each in sent if each.user_id == user_id]
        to_number = [each.sent_at for each in sent if each.number_hash == number_hash]
        until = max((_refused_until(each) for each in (of_user, to_number) if each), default=now)
        if until > now:
            raise TooManyCodes(retry_after_seconds=(until - now).total_seconds())
        code = SentCode(
            id=self._new_id(), user_id=user_id, number_hash=number_hash, sent_at=now, expires_at=now + COUNTED
        )
        await self._phones.add_sent_code(code)

    async def verify(self, person: Person, code: str) -> Phone:
        """Confirm the number that a code was sent to. Raises NoCodePending, CodeExpired, WrongCode."""
        now = self._clock.now()
        async with self._transaction(None):
            before = await self._phones.locked(person.user_id, now=now)
            before.require_guessable(now)
            expected = self._hashes.of(person.user_id, before.pending_number or "", code)
            right = hmac.compare_digest(expected, before.code_hash or "")
            after = before.verified(now) if right else before.guessed_at()
            await self._phones.change(after)
        if not right:  # outside of the transaction: the guess counts
            raise WrongCode
        return after

    async def remove(self, person: Person) -> None:
        """Send no text messages to the caller any more. Safe to repeat."""
        await self._phones.remove(person.user_id)


def _refused_until(sent: Sequence[datetime]) -> datetime:
    """Until when no other code is sent after these, the latest of which comes first."""
    until = sent[0] + BETWEEN_CODES
    return max(until, sent[MOST_CODES - 1] + COUNTED) if len(sent) >= MOST_CODES else until


class DeviceService:
    """Keeps the devices that a person wants notifications on.

    Args:
        private: Whether push services may be in private networks.
    """

    def __init__(self, *, devices: Devices, private: bool, clock: Clock, new_id: NewId) -> None:
        self._devices = devices
        self._private = private
        self._clock = clock
        self._new_id = new_id

    async def all(self, person: Person) -> Sequence[Device]:
        """The caller's, the newest first."""
        return await self._devices.of_user(person.user_id)

    async def register(self, person: Person, name: str, address: WebPushAddress | FcmAddress) -> Device:
        """Push notifications to a device; the oldest of 20 others gives way. Safe to repeat: it is kept once.

        Raises UnusableEndpoint.
        """
        if isinstance(address, WebPushAddress):
            require_push_service(address.endpoint, private=self._private)
        device = Device(
            id=self._new_id(), user_id=person.user_id, name=name, address=address, created_at=self._clock.now()
        )
        return await self._devices.put(device, most=MOST_DEVICES)

    async def remove(self, person: Person, device_id: UUID) -> None:
        """Push nothing to a device any more. Raises UnknownDevice."""
        if not await self._devices.remove(person.user_id, device_id):
            raise UnknownDevice
