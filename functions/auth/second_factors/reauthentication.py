"""Proving anew who one is, for what a stolen token must not be enough for."""

from auth.models import Origin
from auth.second_factors.factors import Factors
from auth.second_factors.models import InvalidSecondFactor, Password, PasswordNotEnough, Proof
from auth.second_factors.proofs import Proofs
from auth.sign_in.models import Credentials, InvalidCredentials
from auth.sign_in.ports import Attempts, Passwords, People, Sessions
from llmo_auth.principal import Person
from llmo_core.clock import Clock
from llmo_core.errors import Unauthenticated
from llmo_data.ports import Transaction


class ReauthenticationService:
    """Renews when somebody proved who they are."""

    def __init__(
        self,
        *,
        factors: Factors,
        people: People,
        sessions: Sessions,
        passwords: Passwords,
        attempts: Attempts,
        proofs: Proofs,
        transaction: Transaction,
        clock: Clock,
    ) -> None:
        self._factors = factors
        self._people = people
        self._sessions = sessions
        self._passwords = passwords
        self._attempts = attempts
        self._proofs = proofs
        self._transaction = transaction
        self._clock = clock

    async def reauthenticate(self, person: Person, proof: Password | Proof, *, origin: Origin) -> None:
        """Make the caller's session a recent one.

        A password is enough for whoever has no second factor: else it would be enough to take the factor away. Raises
        PasswordNotEnough, TooManyAttempts, InvalidCredentials, InvalidSecondFactor.
        """
        known = await self._people.credentials(person.user_id)
        if known is None:
            raise Unauthenticated
        if isinstance(proof, Password) and (methods := await self._factors.methods(person.user_id)):
            raise PasswordNotEnough(methods)
        await self._attempts.begin(known.email, origin.ip)
        if not await self._renew(person, proof, origin):
            raise InvalidCredentials if isinstance(proof, Password) else InvalidSecondFactor
        await self._attempts.succeeded(known.email)

    async def _renew(self, person: Person, proof: Password | Proof, origin: Origin) -> bool:
        """False for a wrong proof; what was found out about it is committed all the same."""
        async with self._transaction(None):
            known = await self._factors.lock(person.user_id)
            if not await self._right(known, proof, origin):
                return False
            await self._sessions.authenticated(person.user_id, person.session_id, self._clock.now())
            return True

    async def _right(self, known: Credentials, proof: Password | Proof, origin: Origin) -> bool:
        if isinstance(proof, Password):
            return self._passwords.verify(known.password_hash, proof.text)
        return bool(await self._proofs.check(known, proof, origin=origin))
