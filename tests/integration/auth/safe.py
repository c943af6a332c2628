"""One person's second factors, with every use case of them on the real stores."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyotp
from redis.asyncio import Redis

from auth.models import Origin
from auth.one_time_tokens import OneTimeTokens
from auth.second_factors.authentication import Authentication
from auth.second_factors.ceremonies import WebAuthnCeremonies
from auth.second_factors.factors import Factors
from auth.second_factors.login import SecondFactorLogin
from auth.second_factors.models import Assertion, Attestation, Code, Passkey, RecoveryCode
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
from auth.sign_in.models import SecondFactorRequired, TokenPair
from auth.sign_in.passwords import Argon2Passwords
from auth.sign_in.ports import Attempts
from auth.sign_in.repository import PostgresPeople, PostgresSessions
from llmo_auth.principal import Person
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from tests.fakes.authenticator import Authenticator
from tests.integration.auth.announcements import announced_about, outbox
from tests.integration.auth.house import ISSUER, House, attempts

ORIGIN = Origin(ip="203.0.113.10")


class Uncounted:
    """Lets everybody try as often as they like."""

    async def begin(self, email: str, ip: str | None) -> None:
        """Count nothing."""

    async def count_network(self, ip: str | None) -> None:
        """Count nothing."""

    async def may_mail(self, email: str, ip: str | None) -> bool:
        """Count nothing."""
        return bool(email or ip)

    async def guessed(self, email: str) -> bool:
        """Count nothing."""
        return not email

    async def succeeded(self, email: str) -> None:
        """Forget nothing."""


@dataclass
class Safe:
    """Somebody's account with what can be done about second factors."""

    home: House
    database: Database
    factors: SecondFactorService
    totp: TotpService
    passkeys: PasskeyService
    login: SecondFactorLogin
    reauthentication: ReauthenticationService
    authentication: Authentication
    secret: str = ""
    recovery_codes: Sequence[str] = ()
    authenticator: Authenticator = field(default_factory=lambda: Authenticator(origin=ISSUER))

    async def person(self) -> Person:
        """Whoever signs in, without a second factor yet."""
        return await self.home.person(await self.home.login())

    async def with_totp(self) -> Person:
        """Have an authenticator app; the next code is of the next step of time."""
        person = await self.person()
        self.secret = (await self.totp.enrol(person)).secret
        self.recovery_codes = await self.totp.confirm(person, self.code()) or self.recovery_codes
        self.home.clock.advance(seconds=30)
        return person

    async def with_passkey(self) -> Passkey:
        """Have a passkey."""
        passkey, codes = await self.register(await self.person())
        self.recovery_codes = codes or self.recovery_codes
        return passkey

    async def register(self, person: Person, **wrong: Any) -> tuple[Passkey, Sequence[str]]:
        """Register the authenticator's key."""
        made = self.authenticator.create(await self.passkeys.options(person), **wrong)
        return await self.passkeys.add(person, name="laptop", attestation=Attestation.model_validate(made))

    def code(self, *, steps: int = 0) -> str:
        """What the app shows now, or some steps of time later."""
        return pyotp.TOTP(self.secret).at(self.home.clock.now(), counter_offset=steps)

    async def asked(self, **options: Any) -> SecondFactorRequired:
        """Show the right password, and be asked for a second factor."""
        try:
            await self.home.login(**options)
        except SecondFactorRequired as required:
            return required
        raise AssertionError("nobody asked for a second factor")

    async def mfa_token(self, **options: Any) -> str:
        """The token of the question."""
        return str((await self.asked(**options)).extensions["mfa_token"])

    async def answer(self, mfa_token: str, *, code: str | None = None, recovery_code: str | None = None) -> TokenPair:
        """Answer it."""
        proof = Code(text=code) if code is not None else RecoveryCode(text=str(recovery_code))
        return await self.login.answer(mfa_token, proof, origin=ORIGIN)

    async def assertion(self, **wrong: Any) -> Assertion:
        """Use the passkey."""
        options = await self.login.passkey_options(origin=ORIGIN)
        return Assertion.model_validate(self.authenticator.get(options, **wrong))

    async def passkey_login(self, **wrong: Any) -> TokenPair:
        """Sign in with the passkey alone."""
        return await self.login.with_passkey(await self.assertion(**wrong), org_id=None, origin=ORIGIN)

    async def news(self) -> list[tuple[str, Any]]:
        """The types of what was announced, with what is particular about each."""
        events = await announced_about(self.database, self.home.user_id)
        particular = ("kind", "reason", "left")
        return [
            (event.type.removeprefix("llmo.auth."), next(event.data[name] for name in particular if name in event.data))
            for event in events
        ]


def safe(home: House, database: Database, redis: Redis, *, counted: Attempts | None = None) -> Safe:
    """Wire it."""
    tokens, events, people = OneTimeTokens(b"secret"), outbox(database), PostgresPeople(database)
    totps, passkeys, codes = PostgresTotps(database), PostgresPasskeys(database), SealedCodes(b"secret")
    recovery_codes, ceremonies = PostgresRecoveryCodes(database), WebAuthnCeremonies(ISSUER)
    challenges, passkey_challenges = PostgresChallenges(database), PostgresPasskeyChallenges(database)
    counted = counted or attempts(redis)
    timed: dict[str, Any] = {"transaction": database.transaction, "clock": home.clock}
    factors = Factors(people=people, codes=recovery_codes, tokens=tokens, events=events, clock=home.clock)
    proofs = Proofs(
        factors=factors,
        totps=totps,
        passkeys=passkeys,
        passkey_challenges=passkey_challenges,
        codes=codes,
        ceremonies=ceremonies,
        tokens=tokens,
        events=events,
        clock=home.clock,
    )
    return Safe(
        home,
        database,
        factors=SecondFactorService(
            factors=factors,
            totps=totps,
            passkeys=passkeys,
            recovery_codes=recovery_codes,
            transaction=database.transaction,
        ),
        totp=TotpService(factors=factors, totps=totps, codes=codes, **timed),
        passkeys=PasskeyService(
            factors=factors,
            passkeys=passkeys,
            challenges=passkey_challenges,
            ceremonies=ceremonies,
            tokens=tokens,
            new_id=new_id,
            **timed,
        ),
        login=SecondFactorLogin(
            people=people,
            challenges=challenges,
            attempts=counted,
            proofs=proofs,
            starter=home.service._starter,
            tokens=tokens,
            events=events,
            **timed,
        ),
        authentication=Authentication(
            passwords=home.service,
            people=people,
            proofs=proofs,
            attempts=counted,
            events=events,
            transaction=database.transaction,
        ),
        reauthentication=ReauthenticationService(
            factors=factors,
            people=people,
            sessions=PostgresSessions(database),
            passwords=Argon2Passwords(),
            attempts=counted,
            proofs=proofs,
            **timed,
        ),
    )
