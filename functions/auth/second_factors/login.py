"""Signing in with a second factor, or with a passkey alone."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from auth.models import Origin
from auth.one_time_tokens import OneTimeTokens
from auth.second_factors.models import MOST_WRONG_ANSWERS, Assertion, InvalidMfaToken, InvalidSecondFactor, Proof
from auth.second_factors.proofs import Proofs
from auth.sign_in.models import Amr, Challenge, Credentials, LoginSuspicious, Started, Suspicion, TokenPair
from auth.sign_in.ports import Attempts, Challenges, People
from auth.sign_in.starting import CHALLENGE, SessionStarter
from llmo_core.clock import Clock
from llmo_data.ports import Events, Transaction

_MULTIPLE = frozenset({Amr.MULTIPLE})


class SecondFactorLogin:
    """Gives people tokens for their second factor."""

    def __init__(
        self,
        *,
        people: People,
        challenges: Challenges,
        attempts: Attempts,
        proofs: Proofs,
        starter: SessionStarter,
        tokens: OneTimeTokens,
        events: Events,
        transaction: Transaction,
        clock: Clock,
    ) -> None:
        self._people = people
        self._challenges = challenges
        self._attempts = attempts
        self._proofs = proofs
        self._starter = starter
        self._tokens = tokens
        self._events = events
        self._transaction = transaction
        self._clock = clock

    async def answer(self, mfa_token: str, proof: Proof, *, origin: Origin) -> TokenPair:
        """Start the session that a challenge stands for; the challenge and the proof are used up by it.

        A wrong answer is an attempt to sign in to the account, and the fifth one ends the challenge and is announced.
        Raises InvalidMfaToken, TooManyAttempts, InvalidSecondFactor, NotAMember, NoSigningKey.
        """
        token_hash = self._tokens.digest(CHALLENGE, mfa_token)
        challenge = await self._live(token_hash)
        person = await self._people.credentials(challenge.user_id)
        if person is None:
            raise InvalidMfaToken
        await self._attempts.begin(person.email, origin.ip)
        started = await self._answer(person, token_hash, proof, origin)
        if started is None:
            raise InvalidSecondFactor
        pair = started.tokens()
        await self._attempts.succeeded(person.email)
        return pair

    async def _answer(self, person: Credentials, token_hash: str, proof: Proof, origin: Origin) -> Started | None:
        """None for a wrong answer, which is committed."""
        async with self._transaction(None):
            await self._people.locked(person.user_id)
            challenge = await self._live(token_hash)  # as whoever held the lock left it
            amr = await self._proofs.check(person, proof, origin=origin)
            if not amr:
                await self._count(person, challenge, origin)
                return None
            await self._challenges.end(challenge)
            return await self._starter.start(
                person.user_id, org_id=challenge.org_id, origin=origin, amr=challenge.amr | amr | _MULTIPLE
            )

    async def _live(self, token_hash: str) -> Challenge:
        challenge = await self._challenges.shown(token_hash)
        if challenge is None or challenge.expires_at <= self._clock.now():
            raise InvalidMfaToken
        return challenge

    async def _count(self, person: Credentials, challenge: Challenge, origin: Origin) -> None:
        if challenge.wrong_answers + 1 < MOST_WRONG_ANSWERS:
            await self._challenges.count_wrong_answer(challenge)
            return
        await self._challenges.end(challenge)
        reason = Suspicion.SECOND_FACTOR_GUESSED
        suspicious = LoginSuspicious(user_id=person.user_id, email=person.email, reason=reason, ip=origin.ip)
        await self._events.announce(suspicious, org_id=None, aggregate_id=person.user_id)

    async def passkey_options(self, *, origin: Origin) -> Mapping[str, Any]:
        """What to tell a browser that shall use a passkey. Raises TooManyAttempts."""
        await self._attempts.count_network(origin.ip)
        return await self._proofs.request_passkey()

    async def with_passkey(self, assertion: Assertion, *, org_id: UUID | None, origin: Origin) -> TokenPair:
        """Start a session for whosever passkey it is: its owner was verified by the authenticator, which has the key.

        Raises TooManyAttempts, InvalidSecondFactor, NotAMember, NoSigningKey.
        """
        await self._attempts.count_network(origin.ip)
        passkey = await self._proofs.owner(assertion)
        if passkey is None:
            raise InvalidSecondFactor
        async with self._transaction(None):
            person = await self._people.locked(passkey.user_id)
            amr = await self._proofs.check(person, assertion, origin=origin) if person else frozenset()
            started = None
            if person is not None and amr:
                started = await self._starter.start(person.user_id, org_id=org_id, origin=origin, amr=amr | _MULTIPLE)
        if started is None:
            raise InvalidSecondFactor
        return started.tokens()
