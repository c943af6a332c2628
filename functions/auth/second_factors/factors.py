"""What goes along with every second factor that comes or goes: its person, their recovery codes, and the news."""

import secrets
from collections.abc import Sequence
from uuid import UUID

from auth.one_time_tokens import OneTimeTokens
from auth.second_factors.models import RECOVERY_CODES, RecoveryCodeUsed, SecondFactorAdded, SecondFactorRemoved
from auth.second_factors.ports import RecoveryCodes
from auth.sign_in.models import Credentials, Method
from auth.sign_in.ports import People
from llmo_core.clock import Clock
from llmo_core.errors import Unauthenticated
from llmo_data.ports import Events

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # no letter that looks like a digit
_GROUPS, _GROUP = 4, 4  # 80 random bits


class Factors:
    """Joins the transaction under way in everything it does."""

    def __init__(
        self,
        *,
        people: People,
        codes: RecoveryCodes,
        tokens: OneTimeTokens,
        events: Events,
        clock: Clock,
    ) -> None:
        self._people = people
        self._codes = codes
        self._tokens = tokens
        self._events = events
        self._clock = clock

    async def lock(self, user_id: UUID) -> Credentials:
        """The person, whose factors nobody else changes or uses before the transaction ends. Raises Unauthenticated."""
        person = await self._people.locked(user_id)
        if person is None:
            raise Unauthenticated
        return person

    async def methods(self, user_id: UUID) -> Sequence[Method]:
        """What somebody can show as a second factor; nothing when they have none."""
        return await self._people.second_factors(user_id)

    async def added(self, person: Credentials, kind: Method, name: str | None = None) -> Sequence[str]:
        """Announce a new factor; gives recovery codes to whoever has none."""
        added = SecondFactorAdded(user_id=person.user_id, email=person.email, kind=kind, name=name)
        await self._events.announce(added, org_id=None, aggregate_id=person.user_id)
        return [] if await self._codes.left(person.user_id) else await self.new_recovery_codes(person.user_id)

    async def removed(self, person: Credentials, kind: Method, name: str | None = None) -> None:
        """Announce that a factor is gone; the recovery codes go with the last one."""
        if not await self.methods(person.user_id):
            await self._codes.replace(person.user_id, [], self._clock.now())
        removed = SecondFactorRemoved(user_id=person.user_id, email=person.email, kind=kind, name=name)
        await self._events.announce(removed, org_id=None, aggregate_id=person.user_id)

    async def new_recovery_codes(self, user_id: UUID) -> Sequence[str]:
        """Ten new codes; no earlier one is accepted any more."""
        codes = [_new_code() for _ in range(RECOVERY_CODES)]
        hashes = [self._digest(user_id, code) for code in codes]
        await self._codes.replace(user_id, hashes, self._clock.now())
        return codes

    async def use_recovery_code(self, person: Credentials, text: str) -> bool:
        """Use a code up, and announce it; False when it is none. Capitals, spaces and hyphens do not matter."""
        if not await self._codes.use(person.user_id, self._digest(person.user_id, text)):
            return False
        left = await self._codes.left(person.user_id)
        used = RecoveryCodeUsed(user_id=person.user_id, email=person.email, left=left)
        await self._events.announce(used, org_id=None, aggregate_id=person.user_id)
        return True

    def _digest(self, user_id: UUID, text: str) -> str:
        return self._tokens.digest(f"recovery-code {user_id}", "".join(filter(str.isalnum, text.lower())))


def _new_code() -> str:
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))
