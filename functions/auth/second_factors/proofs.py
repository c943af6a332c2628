"""Verifying what somebody shows as a second factor."""

from collections.abc import Mapping
from typing import Any

from auth.models import Origin
from auth.one_time_tokens import OneTimeTokens
from auth.second_factors.factors import Factors
from auth.second_factors.models import (
    PASSKEY_CHALLENGE_LIFE,
    Assertion,
    Code,
    Passkey,
    PasskeyChallenge,
    Presented,
    Proof,
    RecoveryCode,
)
from auth.second_factors.ports import Ceremonies, Codes, PasskeyChallenges, Passkeys, Totps
from auth.sign_in.models import Amr, Credentials, LoginSuspicious, Suspicion
from llmo_core.clock import Clock
from llmo_data.ports import Events

_PURPOSE = "passkey-assertion"


class Proofs:
    """Verifies proofs and uses them up.

    It refuses by its answer and raises nothing, so that what it did is committed: a challenge that was signed wrongly
    is used up too.
    """

    def __init__(
        self,
        *,
        factors: Factors,
        totps: Totps,
        passkeys: Passkeys,
        passkey_challenges: PasskeyChallenges,
        codes: Codes,
        ceremonies: Ceremonies,
        tokens: OneTimeTokens,
        events: Events,
        clock: Clock,
    ) -> None:
        self._factors = factors
        self._totps = totps
        self._passkeys = passkeys
        self._passkey_challenges = passkey_challenges
        self._codes = codes
        self._ceremonies = ceremonies
        self._tokens = tokens
        self._events = events
        self._clock = clock

    async def check(self, person: Credentials, proof: Proof, *, origin: Origin) -> frozenset[Amr]:
        """How a locked person proved who they are; nothing when what they showed is not accepted."""
        match proof:
            case Code():
                accepted, method = await self._code(person, proof.text), Amr.ONE_TIME_CODE
            case RecoveryCode():
                accepted, method = await self._factors.use_recovery_code(person, proof.text), Amr.ONE_TIME_CODE
            case Assertion():
                accepted, method = await self._passkey(person, proof, origin), Amr.KEY
        return frozenset({method}) if accepted else frozenset()

    async def request_passkey(self) -> Mapping[str, Any]:
        """What to tell a browser that shall use a passkey, whosever it is: within five minutes, once."""
        text, challenge_hash = self._tokens.make(_PURPOSE)
        expires_at = self._clock.now() + PASSKEY_CHALLENGE_LIFE
        challenge = PasskeyChallenge(challenge_hash=challenge_hash, user_id=None, expires_at=expires_at)
        await self._passkey_challenges.add(challenge)
        return self._ceremonies.request_options(text)

    async def owner(self, assertion: Assertion) -> Passkey | None:
        """The passkey that somebody says they used, if it says itself whose it is; nothing is verified yet."""
        shown = self._ceremonies.presented(assertion)
        passkey = await self._passkeys.shown(shown.credential_id) if shown else None
        return passkey if shown and shown.user_handle is not None else None

    async def _code(self, person: Credentials, code: str) -> bool:
        totp = await self._totps.find(person.user_id)
        if totp is None or totp.confirmed_at is None:
            return False
        step = self._codes.step(totp, code, self._clock.now())
        if step is None:
            return False
        await self._totps.accept(totp.model_copy(update={"last_step": step}))
        return True

    async def _passkey(self, person: Credentials, assertion: Assertion, origin: Origin) -> bool:
        """Source: WebAuthn level 2, section 7.2."""
        now = self._clock.now()
        shown = self._ceremonies.presented(assertion)
        if shown is None:
            return False
        if not await self._passkey_challenges.take(self._tokens.digest(_PURPOSE, shown.challenge), None, now):
            return False
        passkey = await self._passkeys.shown(shown.credential_id)
        if passkey is None or not _belongs(passkey, person, shown):
            return False
        count = self._ceremonies.signed(assertion, shown.challenge, passkey.public_key)
        if count is None:
            return False
        if count <= passkey.sign_count and (count or passkey.sign_count):
            await self._copied(person, origin)
            return False
        await self._passkeys.used(passkey.model_copy(update={"sign_count": count, "last_used_at": now}))
        return True

    async def _copied(self, person: Credentials, origin: Origin) -> None:
        """Announce that the authenticator has counted less than before: there are two of them."""
        reason = Suspicion.PASSKEY_COPIED
        suspicious = LoginSuspicious(user_id=person.user_id, email=person.email, reason=reason, ip=origin.ip)
        await self._events.announce(suspicious, org_id=None, aggregate_id=person.user_id)


def _belongs(passkey: Passkey, person: Credentials, shown: Presented) -> bool:
    return passkey.user_id == person.user_id and shown.user_handle in {None, person.user_id.bytes}
