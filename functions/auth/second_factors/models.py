"""Second factors, what is shown of them, what they announce, and what can go wrong with them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import AliasChoices, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from auth.sign_in.models import Amr, Credentials, Method
from llmo_core.errors import Conflict, Invalid, NotFound, Unauthenticated
from llmo_core.model import Model, OpenModel
from llmo_messaging.envelope import Event

ENROLMENT_LIFE = timedelta(minutes=10)
PASSKEY_CHALLENGE_LIFE = timedelta(minutes=5)
MOST_WRONG_ANSWERS = 5
MOST_PASSKEYS = 20
RECOVERY_CODES = 10

type _Base64Url = Annotated[str, StringConstraints(min_length=1, max_length=65_536, pattern=r"^[A-Za-z0-9_-]+$")]


class Authenticated(Model):
    """Somebody who has proved who they are, and how."""

    person: Credentials
    amr: frozenset[Amr]


class Totp(Model):
    """Somebody's authenticator app (RFC 6238).

    Attributes:
        confirmed_at: When its first code was shown; it is no factor before.
        last_step: The latest step of time whose code was accepted; none of it or of an earlier one is again.
    """

    user_id: UUID
    secret: bytes = Field(repr=False)
    created_at: datetime
    confirmed_at: datetime | None = None
    last_step: int | None = None


class Enrolment(Model):
    """What an authenticator app is told, once."""

    secret: str = Field(repr=False)
    otpauth_uri: str = Field(repr=False)


class NewKey(Model):
    """The public half of a key pair that an authenticator made."""

    credential_id: bytes
    public_key: bytes
    sign_count: int


class Passkey(NewKey):
    """Somebody's passkey.

    Attributes:
        public_key: A COSE key (RFC 9052).
        sign_count: As its authenticator counted when it was last used; 0 with those that do not count.
    """

    id: UUID
    user_id: UUID
    name: str
    created_at: datetime
    last_used_at: datetime | None = None


class PasskeyChallenge(Model):
    """What an authenticator is asked to sign, as it is kept.

    Attributes:
        user_id: Who registers a passkey with it; None for whoever signs in with it.
    """

    challenge_hash: str
    user_id: UUID | None
    expires_at: datetime


class Overview(Model):
    """The second factors that somebody has."""

    totp_since: datetime | None
    passkeys: Sequence[Passkey]
    recovery_codes: int


class Code(Model):
    """What an authenticator app shows."""

    text: str = Field(repr=False)


class RecoveryCode(Model):
    """One of the codes to write down."""

    text: str = Field(repr=False)


class Password(Model):
    """What one knows."""

    text: str = Field(repr=False)


class _Shown(OpenModel):
    """What a browser's `PublicKeyCredential.toJSON()` gives; what we have no use for is left out."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    client_data_json: _Base64Url = Field(
        serialization_alias="clientDataJSON",
        validation_alias=AliasChoices("clientDataJSON", "client_data_json"),
        repr=False,
    )


class AttestationResponse(_Shown):
    """The authenticator's answer to the request for a new key."""

    attestation_object: _Base64Url = Field(repr=False)


class AssertionResponse(_Shown):
    """The authenticator's signature."""

    authenticator_data: _Base64Url = Field(repr=False)
    signature: _Base64Url = Field(repr=False)
    user_handle: _Base64Url | None = Field(None, repr=False)


class _Credential(OpenModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    id: _Base64Url
    raw_id: _Base64Url
    type: str = Field(pattern="^public-key$")


class Attestation(_Credential):
    """A new passkey (WebAuthn, RegistrationResponseJSON)."""

    response: AttestationResponse


class Assertion(_Credential):
    """A passkey that was used (WebAuthn, AuthenticationResponseJSON)."""

    response: AssertionResponse


class Presented(Model):
    """What a credential says of itself, before anything is verified."""

    challenge: str
    credential_id: bytes
    user_handle: bytes | None = None


type Proof = Code | RecoveryCode | Assertion
"""What is shown as a second factor."""


class SecondFactorAdded(Event, name="llmo.auth.second_factor.added"):
    """Mail this user that they have another second factor now, in case it is not theirs."""

    user_id: UUID
    email: str
    kind: Method
    name: str | None


class SecondFactorRemoved(Event, name="llmo.auth.second_factor.removed"):
    """Mail this user that they have a second factor less now, in case it was not they who removed it."""

    user_id: UUID
    email: str
    kind: Method
    name: str | None


class RecoveryCodeUsed(Event, name="llmo.auth.recovery_code.used"):
    """Mail this user that a recovery code was used, and how many are left."""

    user_id: UUID
    email: str
    left: int


class InvalidMfaToken(Unauthenticated):
    """This sign-in is unknown, done, expired, or got too many wrong answers: begin it again."""


class InvalidSecondFactor(Unauthenticated):
    """The code is wrong or was used already, or the passkey is not accepted."""


class SecondFactorMissing(Unauthenticated):
    """Enter the code of your authenticator app as well, or a recovery code."""


class PasswordNotEnough(Unauthenticated):
    """Whoever has a second factor shows it here, and not the password."""

    def __init__(self, methods: Sequence[Method]) -> None:
        super().__init__()
        self.extensions = {"methods": [method.value for method in methods]}


class TotpEnrolled(Conflict):
    """There is an authenticator app already: remove it before you add another one."""


class NotEnrolling(Conflict):
    """No authenticator app waits to be confirmed, or it has waited for ten minutes: begin again."""


class WrongCode(Invalid):
    """This is not the code that the app shows now."""


class NoTotp(NotFound):
    """There is no authenticator app."""


class NoSecondFactor(Conflict):
    """Recovery codes are for whoever has a second factor: add one first."""


class PasskeyRefused(Invalid):
    """The passkey is not accepted: ask for new options, and register it with those."""


class PasskeyKnown(Conflict):
    """This passkey is registered already."""


class TooManyPasskeys(Conflict):
    """There are twenty passkeys already: remove one first."""


class UnknownPasskey(NotFound):
    """You have no passkey with this id."""
