"""Contacts over HTTP: a person's own."""

from http import HTTPStatus
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Body, Depends

from llmo_auth.idempotent_route import idempotent
from llmo_core.http.documentation import refusals
from notification import wiring as shared
from notification.callers import Me
from notification.contacts import wiring
from notification.contacts.models import NoPushKey
from notification.contacts.schemas import (
    EXAMPLES,
    DeviceList,
    DeviceOut,
    PhoneOut,
    PushKeyOut,
    RegisterDevice,
    SetPhone,
    VerifyPhone,
)
from notification.contacts.service import DeviceService, PhoneService

# A wrong code counts, so its answer is never one of a transaction that is undone.
phone_router = APIRouter(prefix="/api/v1/contacts")
device_router = APIRouter(prefix="/api/v1/contacts", route_class=idempotent(shared.repeated_requests, personal=True))

type Phones = Annotated[PhoneService, Depends(wiring.phone_service)]
type Devices = Annotated[DeviceService, Depends(wiring.device_service)]
type PushKey = Annotated[str, Depends(wiring.push_key)]

_WRONG: Final = refusals(
    status_400="The code is wrong, or too old, or was guessed at five times.",
    status_409="No number waits to be confirmed.",
)


@phone_router.get("/phone")
async def read_phone(person: Me, service: Phones) -> PhoneOut:
    """Show the caller's phone number, and one that waits to be confirmed."""
    return PhoneOut.of(await service.show(person))


@phone_router.put(
    "/phone",
    responses=refusals(
        status_400="It is no mobile phone's number, or no text messages are sent to its country.",
        status_429="A code was sent in the last minute, or five in the last day.",
    ),
)
async def set_phone(body: SetPhone, person: Me, service: Phones) -> PhoneOut:
    """Send a code to a number, to confirm it within ten minutes. The number before counts until then."""
    return PhoneOut.of(await service.ask(person, body.number))


@phone_router.post("/phone/verification", responses=_WRONG)
async def verify_phone(body: VerifyPhone, person: Me, service: Phones) -> PhoneOut:
    """Confirm the number with the code that was sent to it."""
    return PhoneOut.of(await service.verify(person, body.code))


@phone_router.delete("/phone", status_code=HTTPStatus.NO_CONTENT)
async def remove_phone(person: Me, service: Phones) -> None:
    """Remove the number, and one that waits to be confirmed."""
    await service.remove(person)


@device_router.get("/devices")
async def list_devices(person: Me, service: Devices) -> DeviceList:
    """List the browsers and apps that notifications are pushed to."""
    return DeviceList.of(await service.all(person))


@device_router.post(
    "/devices",
    status_code=HTTPStatus.CREATED,
    responses=refusals(status_400="The endpoint is not one of a push service on the internet."),
)
async def register_device(
    body: Annotated[RegisterDevice, Body(openapi_examples={**EXAMPLES})], person: Me, service: Devices
) -> DeviceOut:
    """Have notifications pushed to a browser or an app.

    It is known by its endpoint or its token: who registers it again changes its name and keys, and takes it over from
    whoever had signed in there before. Of more than 20 the oldest are removed.
    """
    return DeviceOut.of(await service.register(person, body.name, body.address()))


@device_router.delete(
    "/devices/{device_id}",
    status_code=HTTPStatus.NO_CONTENT,
    responses=refusals(status_404="The caller has no such device."),
)
async def remove_device(device_id: UUID, person: Me, service: Devices) -> None:
    """Push nothing to a device any more."""
    await service.remove(person, device_id)


@device_router.get("/push-key", responses=refusals(status_404="No notifications are pushed to browsers here."))
async def read_push_key(_person: Me, key: PushKey) -> PushKeyOut:
    """Show what a browser subscribes with (RFC 8292)."""
    if not key:
        raise NoPushKey
    return PushKeyOut(public_key=key)
