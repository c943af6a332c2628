"""What second factors need of the world around them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from auth.second_factors.models import Assertion, Attestation, NewKey, Passkey, PasskeyChallenge, Presented, Totp
from auth.sign_in.models import Credentials


class Totps(Protocol):
    """Authenticator apps, one for each person at most."""

    async def find(self, user_id: UUID) -> Totp | None:
        """Somebody's app, also one that is not confirmed."""
        ...

    async def put(self, totp: Totp) -> None:
        """Keep an app in place of the one before."""
        ...

    async def accept(self, totp: Totp) -> None:
        """Keep when an app was confirmed, and the latest step of time that was accepted."""
        ...

    async def remove(self, user_id: UUID) -> None:
        """Forget an app."""
        ...


class RecoveryCodes(Protocol):
    """Recovery codes by their digests."""

    async def left(self, user_id: UUID) -> int:
        """How many somebody has."""
        ...

    async def replace(self, user_id: UUID, hashes: Sequence[str], at: datetime) -> None:
        """Keep these, and none of the earlier ones."""
        ...

    async def use(self, user_id: UUID, code_hash: str) -> bool:
        """Use a code up; False when there is none: of two at once, one gets it."""
        ...


class Passkeys(Protocol):
    """Passkeys."""

    async def of(self, user_id: UUID) -> Sequence[Passkey]:
        """Somebody's passkeys, the oldest first."""
        ...

    async def shown(self, credential_id: bytes) -> Passkey | None:
        """Whosever passkey has this id."""
        ...

    async def add(self, passkey: Passkey) -> None:
        """Keep a passkey. Raises PasskeyKnown."""
        ...

    async def used(self, passkey: Passkey) -> None:
        """Keep when a passkey was used, and what its authenticator counted."""
        ...

    async def remove(self, passkey: Passkey) -> None:
        """Forget a passkey."""
        ...


class PasskeyChallenges(Protocol):
    """What authenticators were asked to sign."""

    async def add(self, challenge: PasskeyChallenge) -> None:
        """Keep a challenge."""
        ...

    async def take(self, challenge_hash: str, user_id: UUID | None, now: datetime) -> bool:
        """Use a challenge up that is for this person, or for nobody yet; False when there is none that lives."""
        ...


class Codes(Protocol):
    """What authenticator apps show."""

    def new(self, user_id: UUID) -> tuple[str, bytes]:
        """A new secret, as text and sealed."""
        ...

    def uri(self, secret: str, account: str) -> str:
        """What a QR code tells an app of a secret."""
        ...

    def step(self, totp: Totp, code: str, now: datetime) -> int | None:
        """The step of time that a code is of, if it is about now and later than the last one that was accepted."""
        ...


class Ceremonies(Protocol):
    """What browsers and authenticators do (WebAuthn)."""

    def creation_options(self, challenge: str, person: Credentials, registered: Sequence[Passkey]) -> Mapping[str, Any]:
        """What `navigator.credentials.create` is to be told."""
        ...

    def request_options(self, challenge: str) -> Mapping[str, Any]:
        """What `navigator.credentials.get` is to be told."""
        ...

    def presented(self, credential: Attestation | Assertion) -> Presented | None:
        """What a credential says of itself; None when it says nothing that could be read."""
        ...

    def created(self, attestation: Attestation, challenge: str) -> NewKey | None:
        """The key that was made for a challenge, by a user whom the authenticator verified; None for any other."""
        ...

    def signed(self, assertion: Assertion, challenge: str, public_key: bytes) -> int | None:
        """How often the authenticator has signed, once its signature of a challenge is verified; else None."""
        ...
