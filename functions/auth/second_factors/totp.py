"""Adding and removing an authenticator app."""

from collections.abc import Sequence

from auth.second_factors.factors import Factors
from auth.second_factors.models import (
    ENROLMENT_LIFE,
    Enrolment,
    NotEnrolling,
    NoTotp,
    Totp,
    TotpEnrolled,
    WrongCode,
)
from auth.second_factors.ports import Codes, Totps
from auth.sign_in.models import Method
from llmo_auth.principal import Person
from llmo_core.clock import Clock
from llmo_data.ports import Transaction


class TotpService:
    """Lets people have an authenticator app."""

    def __init__(self, *, factors: Factors, totps: Totps, codes: Codes, transaction: Transaction, clock: Clock) -> None:
        self._factors = factors
        self._totps = totps
        self._codes = codes
        self._transaction = transaction
        self._clock = clock

    async def enrol(self, person: Person) -> Enrolment:
        """Make a secret for an app, which is a factor once a code of it was shown, within ten minutes.

        It takes the place of one that waits to be confirmed. Raises TotpEnrolled.
        """
        async with self._transaction(None):
            known = await self._factors.lock(person.user_id)
            held = await self._totps.find(person.user_id)
            if held is not None and held.confirmed_at is not None:
                raise TotpEnrolled
            secret, sealed = self._codes.new(person.user_id)
            await self._totps.put(Totp(user_id=person.user_id, secret=sealed, created_at=self._clock.now()))
        return Enrolment(secret=secret, otpauth_uri=self._codes.uri(secret, known.email))

    async def confirm(self, person: Person, code: str) -> Sequence[str]:
        """Make the app a factor, and use the code up; gives recovery codes to whoever has none.

        Raises NotEnrolling, TotpEnrolled, WrongCode.
        """
        now = self._clock.now()
        async with self._transaction(None):
            known = await self._factors.lock(person.user_id)
            totp = await self._totps.find(person.user_id)
            if totp is not None and totp.confirmed_at is not None:
                raise TotpEnrolled
            if totp is None or totp.created_at + ENROLMENT_LIFE <= now:
                raise NotEnrolling
            step = self._codes.step(totp, code, now)
            if step is None:
                raise WrongCode
            await self._totps.accept(totp.model_copy(update={"confirmed_at": now, "last_step": step}))
            return await self._factors.added(known, Method.TOTP)

    async def remove(self, person: Person) -> None:
        """Forget the app, also one that waits to be confirmed. Raises NoTotp."""
        async with self._transaction(None):
            known = await self._factors.lock(person.user_id)
            totp = await self._totps.find(person.user_id)
            if totp is None:
                raise NoTotp
            await self._totps.remove(person.user_id)
            if totp.confirmed_at is not None:
                await self._factors.removed(known, Method.TOTP)
