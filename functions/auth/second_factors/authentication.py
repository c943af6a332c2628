"""Finding out who somebody is, with every factor that they have, without starting a session."""

from typing import Protocol

from auth.models import Origin
from auth.second_factors.models import Authenticated, Code, InvalidSecondFactor, RecoveryCode, SecondFactorMissing
from auth.second_factors.proofs import Proofs
from auth.sign_in.models import Amr, Credentials, InvalidCredentials, LoginSuspicious, Suspicion
from auth.sign_in.ports import Attempts, People
from llmo_data.ports import Events, Transaction

_CODE_LENGTH = 6


class ChecksPasswords(Protocol):
    """Verifies addresses and passwords."""

    async def authenticate(self, email: str, password: str, *, origin: Origin) -> Credentials:
        """Whose address and password these are; the attempt is counted. Raises TooManyAttempts, InvalidCredentials."""
        ...


class Authentication:
    """For pages that ask for everything in one form."""

    def __init__(
        self,
        *,
        passwords: ChecksPasswords,
        people: People,
        proofs: Proofs,
        attempts: Attempts,
        events: Events,
        transaction: Transaction,
    ) -> None:
        self._passwords = passwords
        self._people = people
        self._proofs = proofs
        self._attempts = attempts
        self._events = events
        self._transaction = transaction

    async def authenticate(self, email: str, password: str, *, code: str | None, origin: Origin) -> Authenticated:
        """Whose address and password these are, and whose code when they have a second factor.

        The code is one of the authenticator app's, or a recovery code. Every attempt counts, also one with the right
        password and a wrong code; the fifth wrong code in a row is announced. Raises TooManyAttempts,
        InvalidCredentials, SecondFactorMissing, InvalidSecondFactor.
        """
        known = await self._passwords.authenticate(email, password, origin=origin)
        amr = frozenset({Amr.PASSWORD})
        async with self._transaction(None):
            person = await self._people.locked(known.user_id)
            if person is None or person.password_hash != known.password_hash:
                raise InvalidCredentials
            if await self._people.second_factors(known.user_id):
                if code is None:
                    raise SecondFactorMissing
                proof = Code(text=code) if _from_app(code) else RecoveryCode(text=code)
                shown = await self._proofs.check(person, proof, origin=origin)
                amr = amr | shown | {Amr.MULTIPLE} if shown else frozenset()
        if not amr:
            await self._guessed(person, origin)
            raise InvalidSecondFactor
        await self._attempts.succeeded(email)
        return Authenticated(person=person, amr=amr)

    async def _guessed(self, person: Credentials, origin: Origin) -> None:
        if not await self._attempts.guessed(person.email):
            return
        reason = Suspicion.SECOND_FACTOR_GUESSED
        suspicious = LoginSuspicious(user_id=person.user_id, email=person.email, reason=reason, ip=origin.ip)
        async with self._transaction(None):
            await self._events.announce(suspicious, org_id=None, aggregate_id=person.user_id)


def _from_app(code: str) -> bool:
    return len(code) == _CODE_LENGTH and code.isascii() and code.isdigit()
