"""The use cases of contacts with their adapters."""

from collections.abc import Callable

from llmo_core.clock import SystemClock
from llmo_core.ids import new_id
from notification import wiring as shared
from notification.address_hashes import address_hash
from notification.contacts.codes import CodeHashes, new_code
from notification.contacts.ports import CodeSender
from notification.contacts.repository import PostgresDevices, PostgresPhones
from notification.contacts.service import DeviceService, PhoneService

_senders: list[Callable[[], CodeSender]] = []


def connect(sender: Callable[[], CodeSender]) -> None:
    """Say what sends codes to phones: it is made of more than contacts know of."""
    _senders[:] = [sender]


async def phone_service() -> PhoneService:
    """The use cases of phone numbers. Raises RuntimeError where nobody has said what sends codes."""
    if not _senders:
        raise RuntimeError("Nothing sends codes to phones: see `connect`.")
    pepper = shared.parts.pepper()
    return PhoneService(
        phones=PostgresPhones(shared.database()),
        sender=_senders[0](),
        hashes=CodeHashes(pepper),
        countries=shared.api_settings().countries,
        number_hash=lambda number: address_hash(number, pepper),
        transaction=shared.database().transaction,
        clock=SystemClock(),
        new_id=new_id,
        new_code=new_code,
    )


async def device_service() -> DeviceService:
    """The use cases of devices."""
    return DeviceService(
        devices=PostgresDevices(shared.database()),
        private=shared.api_settings().allow_private_push_services,
        clock=SystemClock(),
        new_id=new_id,
    )


async def push_key() -> str:
    """What browsers subscribe with; empty where nothing is pushed to them."""
    return shared.api_settings().vapid_public_key
