"""The use cases of second factors with their adapters."""

from auth import wiring as shared
from auth.one_time_tokens import OneTimeTokens
from auth.second_factors.authentication import Authentication
from auth.second_factors.ceremonies import WebAuthnCeremonies
from auth.second_factors.factors import Factors
from auth.second_factors.login import SecondFactorLogin
from auth.second_factors.otp import SealedCodes
from auth.second_factors.passkeys import PasskeyService
from auth.second_factors.proofs import Proofs
from auth.second_factors.reauthentication import ReauthenticationService
from auth.second_factors.repository import (
    PostgresPasskeyChallenges,
    PostgresPasskeys,
    PostgresRecoveryCodes,
    PostgresTotps,
)
from auth.second_factors.service import SecondFactorService
from auth.second_factors.totp import TotpService
from auth.sign_in.challenges import PostgresChallenges
from auth.sign_in.passwords import Argon2Passwords
from auth.sign_in.repository import PostgresSessions
from auth.sign_in.wiring import session_starter, sign_in_service
from auth.wiring import once
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id


@once
def _factors() -> Factors:
    return Factors(
        people=shared.people(),
        codes=PostgresRecoveryCodes(shared.database()),
        tokens=OneTimeTokens(shared.pepper()),
        events=shared.events(),
        clock=SystemClock(),
    )


@once
def _proofs() -> Proofs:
    return Proofs(
        factors=_factors(),
        totps=PostgresTotps(shared.database()),
        passkeys=PostgresPasskeys(shared.database()),
        passkey_challenges=PostgresPasskeyChallenges(shared.database()),
        codes=SealedCodes(shared.pepper()),
        ceremonies=WebAuthnCeremonies(shared.settings().public_url),
        tokens=OneTimeTokens(shared.pepper()),
        events=shared.events(),
        clock=SystemClock(),
    )


async def second_factor_service() -> SecondFactorService:
    """The use cases of having second factors."""
    return SecondFactorService(
        factors=_factors(),
        totps=PostgresTotps(shared.database()),
        passkeys=PostgresPasskeys(shared.database()),
        recovery_codes=PostgresRecoveryCodes(shared.database()),
        transaction=shared.database().transaction,
    )


async def totp_service() -> TotpService:
    """The use cases of authenticator apps."""
    return TotpService(
        factors=_factors(),
        totps=PostgresTotps(shared.database()),
        codes=SealedCodes(shared.pepper()),
        transaction=shared.database().transaction,
        clock=SystemClock(),
    )


async def passkey_service() -> PasskeyService:
    """The use cases of passkeys."""
    return PasskeyService(
        factors=_factors(),
        passkeys=PostgresPasskeys(shared.database()),
        challenges=PostgresPasskeyChallenges(shared.database()),
        ceremonies=WebAuthnCeremonies(shared.settings().public_url),
        tokens=OneTimeTokens(shared.pepper()),
        transaction=shared.database().transaction,
        clock=SystemClock(),
        new_id=new_id,
    )


async def second_factor_login() -> SecondFactorLogin:
    """The use cases of signing in with second factors."""
    return SecondFactorLogin(
        people=shared.people(),
        challenges=PostgresChallenges(shared.database()),
        attempts=shared.attempts(),
        proofs=_proofs(),
        starter=session_starter(),
        tokens=OneTimeTokens(shared.pepper()),
        events=shared.events(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
    )


async def reauthentication_service() -> ReauthenticationService:
    """The use case of proving anew who one is."""
    return ReauthenticationService(
        factors=_factors(),
        people=shared.people(),
        sessions=PostgresSessions(shared.database()),
        passwords=Argon2Passwords(),
        attempts=shared.attempts(),
        proofs=_proofs(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
    )


async def authentication() -> Authentication:
    """Finds out who somebody is, for pages that ask for everything in one form."""
    return Authentication(
        passwords=await sign_in_service(),
        people=shared.people(),
        proofs=_proofs(),
        attempts=shared.attempts(),
        events=shared.events(),
        transaction=shared.database().transaction,
    )
