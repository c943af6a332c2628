"""Adding and removing passkeys."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from auth.one_time_tokens import OneTimeTokens
from auth.second_factors.factors import Factors
from auth.second_factors.models import (
    MOST_PASSKEYS,
    PASSKEY_CHALLENGE_LIFE,
    Attestation,
    NewKey,
    Passkey,
    PasskeyChallenge,
    PasskeyRefused,
    TooManyPasskeys,
    UnknownPasskey,
)
from auth.second_factors.ports import Ceremonies, PasskeyChallenges, Passkeys
from auth.sign_in.models import Method
from llmo_auth.principal import Person
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_data.ports import Transaction

_PURPOSE = "passkey-registration"


class PasskeyService:
    """Lets people have passkeys."""

    def __init__(
        self,
        *,
        factors: Factors,
        passkeys: Passkeys,
        challenges: PasskeyChallenges,
        ceremonies: Ceremonies,
        tokens: OneTimeTokens,
        transaction: Transaction,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._factors = factors
        self._passkeys = passkeys
        self._challenges = challenges
        self._ceremonies = ceremonies
        self._tokens = tokens
        self._transaction = transaction
        self._clock = clock
        self._new_id = new_id

    async def options(self, person: Person) -> Mapping[str, Any]:
        """What to tell a browser that shall make a passkey: within five minutes, once. Raises TooManyPasskeys."""
        text, challenge_hash = self._tokens.make(_PURPOSE)
        async with self._transaction(None):
            known = await self._factors.lock(person.user_id)
            registered = await self._registered(person)
            expires_at = self._clock.now() + PASSKEY_CHALLENGE_LIFE
            await self._challenges.add(
                PasskeyChallenge(challenge_hash=challenge_hash, user_id=person.user_id, expires_at=expires_at)
            )
        return self._ceremonies.creation_options(text, known, registered)

    async def add(self, person: Person, *, name: str, attestation: Attestation) -> tuple[Passkey, Sequence[str]]:
        """Keep a passkey; gives recovery codes to whoever has none. The challenge is used up, whatever comes of it.

        Raises PasskeyRefused, PasskeyKnown, TooManyPasskeys.
        """
        key = await self._created(person, attestation)
        if key is None:
            raise PasskeyRefused
        passkey = Passkey(
            **key.model_dump(), id=self._new_id(), user_id=person.user_id, name=name, created_at=self._clock.now()
        )
        async with self._transaction(None):
            known = await self._factors.lock(person.user_id)
            await self._registered(person)
            await self._passkeys.add(passkey)
            return passkey, await self._factors.added(known, Method.PASSKEY, name)

    async def remove(self, person: Person, passkey_id: UUID) -> None:
        """Forget a passkey. Raises UnknownPasskey."""
        async with self._transaction(None):
            known = await self._factors.lock(person.user_id)
            passkeys = {passkey.id: passkey for passkey in await self._passkeys.of(person.user_id)}
            if passkey_id not in passkeys:
                raise UnknownPasskey
            await self._passkeys.remove(passkeys[passkey_id])
            await self._factors.removed(known, Method.PASSKEY, passkeys[passkey_id].name)

    async def _created(self, person: Person, attestation: Attestation) -> NewKey | None:
        shown = self._ceremonies.presented(attestation)
        if shown is None:
            return None
        challenge_hash = self._tokens.digest(_PURPOSE, shown.challenge)
        if not await self._challenges.take(challenge_hash, person.user_id, self._clock.now()):
            return None
        return self._ceremonies.created(attestation, shown.challenge)

    async def _registered(self, person: Person) -> Sequence[Passkey]:
        registered = await self._passkeys.of(person.user_id)
        if len(registered) >= MOST_PASSKEYS:
            raise TooManyPasskeys
        return registered
