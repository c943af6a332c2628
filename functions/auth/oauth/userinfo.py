"""Telling an application who acts through it."""

from auth.oauth.models import ScopeMissing
from auth.oauth.ports import Profiles
from auth.oauth.scopes import OPENID
from auth.sign_in.models import Profile
from auth.sign_in.ports import Sessions
from llmo_auth.principal import Person
from llmo_core.clock import Clock
from llmo_core.errors import Unauthenticated


class UserInfoService:
    """Tells who somebody is, as far as they allowed it and the access token was given."""

    def __init__(self, *, sessions: Sessions, profiles: Profiles, clock: Clock) -> None:
        self._sessions = sessions
        self._profiles = profiles
        self._clock = clock

    async def tell(self, person: Person) -> tuple[Profile, frozenset[str]]:
        """Who an application acts for, and what of it is allowed.

        Raises ScopeMissing, also for somebody who acts themselves; Unauthenticated when the session has ended, or they
        are no user any more.
        """
        if OPENID not in person.identity_scope:
            raise ScopeMissing
        session = await self._sessions.find(person.user_id, person.session_id)
        if session is None or not session.live(self._clock.now()):
            raise Unauthenticated
        scope = person.identity_scope & frozenset(session.scope or ())
        profile = await self._profiles.profile(person.user_id)
        if profile is None:
            raise Unauthenticated
        return profile, scope
