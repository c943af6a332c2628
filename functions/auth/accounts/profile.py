"""Who somebody is, and what they are called."""

from auth.accounts.models import Me, ProfileChanged
from auth.accounts.ports import Profiles, Tenants
from auth.models import UnknownOrganization
from auth.ports import Events, Transaction
from auth.sign_in.models import Profile
from llmo_auth.principal import NotSignedIn, Person, Principal


class ProfileService:
    """Shows and changes profiles."""

    def __init__(self, *, profiles: Profiles, tenants: Tenants, events: Events, transaction: Transaction) -> None:
        self._profiles = profiles
        self._tenants = tenants
        self._events = events
        self._transaction = transaction

    async def who(self, caller: Principal | Person) -> Me:
        """The names behind a caller. Raises UnknownOrganization."""
        if isinstance(caller, Person):
            return Me(organization=None, project=None, user=await self._profiles.find(caller.user_id))
        organization = await self._tenants.look(caller.org_id)
        if organization is None:
            raise UnknownOrganization
        project_id, session_id = caller.project_id, caller.session_id
        return Me(
            organization=organization,
            project=await self._tenants.project(caller.org_id, project_id) if project_id is not None else None,
            user=await self._profiles.find(caller.actor_id) if session_id is not None else None,
        )

    async def rename(self, person: Person, name: str) -> Profile:
        """Give somebody another name."""
        async with self._transaction(None):
            await self._profiles.rename(person.user_id, name)
            profile = await self._profiles.find(person.user_id)
            if profile is None:
                raise NotSignedIn
            changed = ProfileChanged(user_id=person.user_id, name=name)
            await self._events.announce(changed, org_id=None, aggregate_id=person.user_id)
        return profile
