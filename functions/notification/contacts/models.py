"""What is known of phones and devices, and what can go wrong with them."""

import hashlib
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, TypeAdapter

from llmo_core.errors import Conflict, Invalid, NotFound, TooManyRequests
from llmo_core.fields import Moment, Name
from llmo_core.model import Model
from notification.contacts.keys import authentication_secret, public_key

CODE_LIFE: Final = timedelta(minutes=10)
MOST_ATTEMPTS: Final = 5
BETWEEN_CODES: Final = timedelta(minutes=1)
COUNTED: Final = timedelta(days=1)
MOST_CODES: Final = 5
"""Of one person, and to one number, in a day."""
MOST_DEVICES: Final = 20


class UnservedCountry(Invalid):
    """No text messages are sent to numbers of this country."""


class NoMobileNumber(Invalid):
    """Text messages are sent to mobile phones only."""


class NoCodePending(Conflict):
    """No number waits to be confirmed: ask for a code first."""


class WrongCode(Invalid):
    """This is not the code that was sent last."""


class CodeExpired(Invalid):
    """The code is too old, or was guessed at too often: ask for another one."""


class TooManyCodes(TooManyRequests):
    """So many codes were sent to this number, or asked for by you, that no other one is sent yet."""


class UnusableEndpoint(Invalid):
    """The endpoint is not one of a push service on the internet."""


class UnknownDevice(NotFound):
    """You have no such device."""


class NoPushKey(NotFound):
    """No notifications are pushed to browsers here."""


class Phone(Model):
    """Somebody's phone number: the one that is confirmed, and another one that waits to be.

    Attributes:
        code_hash: Of the code that was sent last; None once it was used.
        attempts: How often that was guessed wrong.
    """

    user_id: UUID
    number: str | None = Field(None, repr=False)
    verified_at: Moment | None = None
    pending_number: str | None = Field(None, repr=False)
    code_hash: str | None = Field(None, repr=False)
    code_expires_at: Moment | None = None
    attempts: int = 0
    created_at: Moment

    def pending(self, number: str, code_hash: str, now: Moment) -> Self:
        """With a number that a code was sent to just now."""
        expires_at = now + CODE_LIFE
        code = {"code_hash": code_hash, "code_expires_at": expires_at, "attempts": 0}
        return self.model_copy(update={"pending_number": number, **code})

    def verified(self, now: Moment) -> Self:
        """With the number that waited, in place of the one before."""
        code = {"pending_number": None, "code_hash": None, "code_expires_at": None, "attempts": 0}
        return self.model_copy(update={"number": self.pending_number, "verified_at": now, **code})

    def guessed_at(self) -> Self:
        """With one more wrong guess."""
        return self.model_copy(update={"attempts": self.attempts + 1})

    def require_guessable(self, now: Moment) -> None:
        """Raise NoCodePending, or CodeExpired, unless a code can be shown."""
        if self.code_expires_at is None:
            raise NoCodePending
        if now >= self.code_expires_at or self.attempts >= MOST_ATTEMPTS:
            raise CodeExpired


class SentCode(Model):
    """That a code was sent, for limits."""

    id: UUID
    user_id: UUID
    number_hash: str
    sent_at: Moment
    expires_at: Moment


class DeviceKind(StrEnum):
    """Who brings notifications to a device."""

    WEB_PUSH = "web_push"
    FCM = "fcm"


class SubscriptionKeys(Model):
    """What notifications are encrypted for (RFC 8291): a point of P-256, and a secret of 16 bytes, as base64url."""

    p256dh: Annotated[str, AfterValidator(public_key), Field(repr=False)]
    auth: Annotated[str, AfterValidator(authentication_secret), Field(repr=False)]


class WebPushAddress(Model):
    """A browser, as its `PushSubscription` describes it: providers of push read this as JSON."""

    kind: Literal[DeviceKind.WEB_PUSH] = DeviceKind.WEB_PUSH
    endpoint: Annotated[str, StringConstraints(max_length=2000), Field(repr=False)]
    keys: SubscriptionKeys


class FcmAddress(Model):
    """An app, by its registration with Firebase Cloud Messaging: providers of push read this as JSON."""

    kind: Literal[DeviceKind.FCM] = DeviceKind.FCM
    token: Annotated[
        str, StringConstraints(min_length=20, max_length=2000, pattern=r"^[A-Za-z0-9_:.%-]+$"), Field(repr=False)
    ]


type DeviceAddress = Annotated[WebPushAddress | FcmAddress, Field(discriminator="kind")]
ADDRESS: Final[TypeAdapter[WebPushAddress | FcmAddress]] = TypeAdapter(DeviceAddress)


def address_digest(address: WebPushAddress | FcmAddress) -> str:
    """By what a device is known again, whatever keys it has now. Endpoints and tokens cannot be guessed."""
    identity = address.endpoint if isinstance(address, WebPushAddress) else address.token
    return hashlib.sha256(f"{address.kind} {identity}".encode()).hexdigest()


class Device(Model):
    """A browser or an app that notifications are pushed to.

    Attributes:
        name: By which its owner recognizes it.
    """

    id: UUID
    user_id: UUID
    name: Name
    address: DeviceAddress
    created_at: Moment
