"""Who somebody is, and what they are called."""

from uuid import UUID

from auth.accounts.models import Me, ProfileChanged
from auth.accounts.ports import Profiles, Tenants
from auth.models import UnknownOrganization
from auth.sign_in.models import Profile
from llmo_auth.principal import NotSignedIn, Person, Principal
from llmo_data.ports import Events, Transaction


class ProfileService:
    """Shows and changes profiles."""

    def __init__(self, *, profiles: Profiles, tenants: Tenants, events: Events, transaction: Transaction) -> None:
        self._profiles = profiles
        self._tenants = tenants
        self._events = events
        self._transaction = transaction

    async def who(self, caller: Principal | Person) -> Me:
        """The names behind a caller; an application learns nothing of the person here. Raises UnknownOrganization."""
        if isinstance(caller, Person):
            return Me(organization=None, project=None, user=await self._user(caller.user_id, caller.client_id))
        organization = await self._tenants.look(caller.org_id)
        if organization is None:
            raise UnknownOrganization
        project_id, is_user = caller.project_id, caller.session_id is not None
        return Me(
            organization=organization,
            project=await self._tenants.project(caller.org_id, project_id) if project_id is not None else None,
            user=await self._user(caller.actor_id, caller.client_id) if is_user else None,
        )

    async def _user(self, user_id: UUID, client_id: UUID | None) -> Profile | None:
        return await self._profiles.profile(user_id) if client_id is None else None

    async def rename(self, person: Person, name: str) -> Profile:
        """Give somebody another name. Raises NotSignedIn when their account was deleted a moment ago."""
        async with self._transaction(None):
            profile = await self._profiles.rename(person.user_id, name)
            if profile is None:
                raise NotSignedIn
            changed = ProfileChanged(user_id=person.user_id, name=name)
            await self._events.announce(changed, org_id=None, aggregate_id=person.user_id)
        return profile
