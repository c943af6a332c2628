"""Bodies of second factors."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from auth.fields import OpaqueToken
from auth.second_factors.models import (
    Assertion,
    Attestation,
    Code,
    Enrolment,
    Overview,
    Passkey,
    Password,
    Proof,
    RecoveryCode,
)
from llmo_core.fields import Name
from llmo_core.model import Model

type _SixDigits = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[0-9]{6}$")]
type _RecoveryCode = Annotated[str, StringConstraints(min_length=1, max_length=100)]
type _Password = Annotated[str, StringConstraints(min_length=1, max_length=1024)]


class _Secretive(Model):
    model_config = ConfigDict(hide_input_in_errors=True)


class _OneProof(_Secretive):
    code: _SixDigits | None = Field(None, repr=False, description="What the authenticator app shows.")
    recovery_code: _RecoveryCode | None = Field(None, repr=False)
    passkey: Assertion | None = Field(
        None, repr=False, description="What the browser gave for the options of `/passkeys/login/options`, as JSON."
    )

    def proofs(self) -> Sequence[Password | Proof]:
        """Everything that is shown."""
        shown: list[Password | Proof] = []
        if self.code is not None:
            shown.append(Code(text=self.code))
        if self.recovery_code is not None:
            shown.append(RecoveryCode(text=self.recovery_code))
        if self.passkey is not None:
            shown.append(self.passkey)
        return shown

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if len(self.proofs()) != 1:
            raise ValueError("exactly one proof is needed")
        return self


class SecondFactor(_OneProof):
    """The `mfa_token` that login answered, and one second factor."""

    mfa_token: OpaqueToken = Field(repr=False)

    @property
    def proof(self) -> Proof:
        """What is shown."""
        [proof] = (shown for shown in self.proofs() if not isinstance(shown, Password))
        return proof


class Reauthenticate(_OneProof):
    """The password, or one second factor of whoever has any."""

    password: _Password | None = Field(None, repr=False)

    @property
    def proof(self) -> Password | Proof:
        """What is shown."""
        return self.proofs()[0]

    def proofs(self) -> Sequence[Password | Proof]:
        """Everything that is shown."""
        known = [Password(text=self.password)] if self.password is not None else []
        return [*known, *super().proofs()]


class ConfirmTotp(_Secretive):
    """What the new authenticator app shows."""

    code: _SixDigits = Field(repr=False)


class RegisterPasskey(_Secretive):
    """A new passkey, and what to call it."""

    name: Name
    credential: Attestation = Field(repr=False, description="What the browser gave for the options, as JSON.")


class PasskeyLogin(_Secretive):
    """A passkey that was used."""

    credential: Assertion = Field(repr=False, description="What the browser gave for the options, as JSON.")
    org_id: UUID | None = Field(None, description="What the tokens are for; the organization joined first if left out.")


class EnrolmentOut(Model):
    """What to tell an authenticator app; it is not shown again."""

    secret: str = Field(repr=False, description="Base32, to type in.")
    otpauth_uri: str = Field(repr=False, description="The same, to show as a QR code.")

    @classmethod
    def of(cls, enrolment: Enrolment) -> Self:
        """Show an enrolment."""
        return cls(secret=enrolment.secret, otpauth_uri=enrolment.otpauth_uri)


class RecoveryCodesOut(Model):
    """Codes to write down; they are not shown again."""

    recovery_codes: Sequence[str] = Field(
        repr=False, description="Each works once in place of a second factor. Empty for whoever has some already."
    )


class PasskeyOut(Model):
    """A passkey."""

    id: UUID
    name: str
    created_at: datetime
    last_used_at: datetime | None

    @classmethod
    def of(cls, passkey: Passkey) -> Self:
        """Show a passkey."""
        return cls(**passkey.model_dump(include={"id", "name", "created_at", "last_used_at"}))


class NewPasskeyOut(RecoveryCodesOut):
    """A new passkey."""

    passkey: PasskeyOut


class PasskeyOptions(Model):
    """What to give to the browser's `PublicKeyCredential.parseCreationOptionsFromJSON`, or the one for requests."""

    options: Mapping[str, Any]


class SecondFactorsOut(Model):
    """What the caller can show besides a password."""

    totp_since: datetime | None = Field(description="Since when there is an authenticator app.")
    passkeys: Sequence[PasskeyOut]
    recovery_codes: int = Field(description="How many are left.")

    @classmethod
    def of(cls, overview: Overview) -> Self:
        """Show them."""
        return cls(
            totp_since=overview.totp_since,
            passkeys=[PasskeyOut.of(passkey) for passkey in overview.passkeys],
            recovery_codes=overview.recovery_codes,
        )
