"""Bodies about contacts."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from llmo_core.fields import Moment, Name
from llmo_core.model import Model
from notification.contacts.models import (
    Device,
    DeviceKind,
    FcmAddress,
    Phone,
    SubscriptionKeys,
    WebPushAddress,
)
from notification.fields import PhoneNumber

EXAMPLES: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "web_push": {
            "summary": "A browser: `PushSubscription.toJSON()`",
            "value": {
                "kind": "web_push",
                "name": "Firefox on Linux",
                "subscription": {
                    "endpoint": "https://updates.push.services.mozilla.com/wpush/v2/gAAAAAB",
                    "expirationTime": None,
                    "keys": {
                        # of RFC 8291, appendix A
                        "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcx"
                        "aOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
                        "auth": "BTBZMqHH6r4Tts7J_aSIgg",
                    },
                },
            },
        },
        "fcm": {
            "summary": "An app",
            "value": {"kind": "fcm", "name": "Phone", "token": "bk3RNwTe3H0:CI2k_HHwgIpoDKCIZvvDMExUdFQ3P1"},
        },
    }
)


class SetPhone(Model):
    """A number to be confirmed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"number": "+14155552671"}]})

    number: PhoneNumber


class VerifyPhone(Model):
    """The code that was sent to it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"code": "271828"}]})

    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$"), Field(repr=False)]


class PhoneOut(Model):
    """The caller's phone."""

    number: Annotated[str | None, Field(description="Where text messages go; null where none is confirmed.")]
    verified_at: Moment | None
    pending_number: Annotated[str | None, Field(description="What a code was sent to that was not shown yet.")]
    code_expires_at: Moment | None

    @classmethod
    def of(cls, phone: Phone) -> Self:
        """Show a phone."""
        return cls(**phone.model_dump(include={*cls.model_fields}))


class PushSubscription(Model):
    """What a browser's `PushSubscription.toJSON()` gives (https://www.w3.org/TR/push-api/)."""

    endpoint: Annotated[str, StringConstraints(max_length=2000)]
    keys: SubscriptionKeys
    expiration_time: Annotated[
        Annotated[float, Field(strict=True)] | None, Field(alias="expirationTime", description="Is not looked at.")
    ] = None


class RegisterBrowser(Model):
    """A browser that notifications are to be pushed to."""

    kind: Literal[DeviceKind.WEB_PUSH]
    name: Name
    subscription: PushSubscription

    def address(self) -> WebPushAddress:
        """Where it is."""
        return WebPushAddress(endpoint=self.subscription.endpoint, keys=self.subscription.keys)


class RegisterApp(FcmAddress):
    """An app that notifications are to be pushed to."""

    kind: Literal[DeviceKind.FCM]
    name: Name

    def address(self) -> FcmAddress:
        """Where it is."""
        return FcmAddress(token=self.token)


type RegisterDevice = Annotated[RegisterBrowser | RegisterApp, Field(discriminator="kind")]


class DeviceOut(Model):
    """A device of the caller's. Its endpoint or token is not shown: with it anybody could be the device."""

    id: UUID
    kind: DeviceKind
    name: str
    created_at: Moment

    @classmethod
    def of(cls, device: Device) -> Self:
        """Show a device."""
        return cls(id=device.id, kind=device.address.kind, name=device.name, created_at=device.created_at)


class DeviceList(Model):
    """The caller's devices, the newest first; 20 at most."""

    data: list[DeviceOut]

    @classmethod
    def of(cls, devices: Sequence[Device]) -> Self:
        """Show devices."""
        return cls(data=[DeviceOut.of(device) for device in devices])


class PushKeyOut(Model):
    """What a browser subscribes with: the `applicationServerKey` of `PushManager.subscribe`, as base64url."""

    public_key: str
