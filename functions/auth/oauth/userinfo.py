"""Telling an application who acts through it."""

from auth.oauth.models import Identity, ScopeMissing
from auth.oauth.ports import Identities
from auth.oauth.scopes import OPENID
from auth.sign_in.ports import Sessions
from llmo_auth.principal import Person
from llmo_core.errors import Unauthenticated


class UserInfoService:
    """Tells who somebody is, as far as they allowed it."""

    def __init__(self, *, sessions: Sessions, identities: Identities) -> None:
        self._sessions = sessions
        self._identities = identities

    async def tell(self, person: Person) -> tuple[Identity, frozenset[str]]:
        """Who an application acts for, and what of it is allowed.

        Raises ScopeMissing, also for somebody who acts themselves; Unauthenticated when they are no user any more.
        """
        session = await self._sessions.find(person.user_id, person.session_id)
        scope = frozenset(session.scope or ()) if session is not None else frozenset[str]()
        if OPENID not in scope:
            raise ScopeMissing
        identity = await self._identities.identity(person.user_id)
        if identity is None:
            raise Unauthenticated
        return identity, scope
