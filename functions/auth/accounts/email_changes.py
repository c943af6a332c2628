"""Changing an account's address."""

from auth.accounts.models import EMAIL_CHANGE_LIFE, EmailChange, EmailChanged, EmailChangeRequested
from auth.accounts.ports import EmailChanges
from auth.models import Origin
from auth.one_time_tokens import InvalidToken, OneTimeTokens
from auth.sign_in.ports import Attempts, People, Sessions
from llmo_auth.principal import NotSignedIn, Person
from llmo_core.clock import Clock
from llmo_data.ports import Events, Transaction

_PURPOSE = "change-email"


class EmailService:
    """Gives accounts other addresses, once their owner has shown that the mail to the new one is theirs."""

    def __init__(
        self,
        *,
        changes: EmailChanges,
        people: People,
        sessions: Sessions,
        attempts: Attempts,
        tokens: OneTimeTokens,
        events: Events,
        transaction: Transaction,
        clock: Clock,
    ) -> None:
        self._changes = changes
        self._people = people
        self._sessions = sessions
        self._attempts = attempts
        self._tokens = tokens
        self._events = events
        self._transaction = transaction
        self._clock = clock

    async def ask(self, person: Person, email: str, *, origin: Origin) -> None:
        """Have a link mailed to the new address; when it has an account already, the mail says that instead.

        A second wish replaces the first. Raises TooManyAttempts.
        """
        if not await self._attempts.may_mail(email, origin.ip):
            return
        text, token_hash = self._tokens.make(_PURPOSE)
        now = self._clock.now()
        async with self._transaction(None):
            if await self._people.locked(person.user_id) is None:
                raise NotSignedIn
            await self._changes.forget(person.user_id)
            known = await self._people.by_email(email) is not None
            change = EmailChange(
                token_hash=token_hash,
                user_id=person.user_id,
                email=email,
                created_at=now,
                expires_at=now + EMAIL_CHANGE_LIFE,
            )
            if not known:
                await self._changes.add(change)
            asked = EmailChangeRequested(
                user_id=person.user_id,
                email=email,
                token=None if known else text,
                expires_at=change.expires_at,
                known=known,
            )
            await self._events.announce(asked, org_id=None, aggregate_id=person.user_id)

    async def confirm(self, person: Person, token: str) -> None:
        """Give the account the address that a mailed token is for, end its other sessions, and tell both addresses.

        A token works once, for the account that asked for it. Raises InvalidToken, EmailTaken.
        """
        now = self._clock.now()
        async with self._transaction(None):
            known = await self._people.locked(person.user_id)
            if known is None:
                raise NotSignedIn
            change = await self._changes.take(person.user_id, self._tokens.digest(_PURPOSE, token))
            if change is None or change.expires_at <= now:
                raise InvalidToken
            await self._changes.set_email(person.user_id, change.email)
            await self._sessions.revoke_all(person.user_id, now, keep=person.session_id)
            changed = EmailChanged(user_id=person.user_id, email=change.email, previous=known.email)
            await self._events.announce(changed, org_id=None, aggregate_id=person.user_id)
