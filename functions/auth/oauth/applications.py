"""The applications that an organization registers."""

from collections.abc import Sequence
from uuid import UUID

from auth.client_secrets import ClientSecrets
from auth.oauth.models import Application, OauthClientCreated, OauthClientRemoved, UnknownApplication
from auth.oauth.ports import Applications
from auth.organizations.ports import OpenOrganizations
from llmo_auth.principal import Permission, Principal
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_data.ports import Events, Transaction


class ApplicationService:
    """Registers, lists and removes applications.

    An application may be given no more than it was registered for and the person who allows it may do: registering one
    takes none of these permissions.
    """

    def __init__(
        self,
        *,
        applications: Applications,
        organizations: OpenOrganizations,
        secrets: ClientSecrets,
        events: Events,
        transaction: Transaction,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._applications = applications
        self._organizations = organizations
        self._secrets = secrets
        self._events = events
        self._transaction = transaction
        self._clock = clock
        self._new_id = new_id

    async def all(self, principal: Principal) -> Sequence[Application]:
        """The applications of the caller's organization, the newest first."""
        return await self._applications.all(principal.org_id)

    async def register(
        self,
        principal: Principal,
        *,
        name: str,
        redirect_uris: Sequence[str],
        permissions: Sequence[Permission],
        confidential: bool,
    ) -> tuple[Application, str | None]:
        """Register an application; a confidential one comes with its secret, which is seen this one time.

        Not safe to retry: each call registers another one. Raises UnknownOrganization when it was closed meanwhile.
        """
        secret = self._secrets.make() if confidential else None
        application = Application(
            id=self._new_id(),
            org_id=principal.org_id,
            name=name,
            redirect_uris=[*dict.fromkeys(redirect_uris)],
            permissions=sorted(set(permissions)),
            secret_hash=self._secrets.digest(secret) if secret is not None else None,
            created_by=principal.actor_id,
            created_at=self._clock.now(),
        )
        async with self._transaction(principal.org_id):
            await self._organizations.lock(principal.org_id)
            await self._applications.add(application)
            created = OauthClientCreated(
                client_id=application.id,
                name=name,
                redirect_uris=application.redirect_uris,
                permissions=application.permissions,
                created_by=principal.actor_id,
            )
            await self._events.announce(created, org_id=principal.org_id, aggregate_id=application.id)
        return application, secret

    async def remove(self, principal: Principal, client_id: UUID) -> None:
        """Remove an application and end what it was allowed, by whomever. Raises UnknownApplication."""
        async with self._transaction(principal.org_id):
            if not await self._applications.remove(principal.org_id, client_id, self._clock.now()):
                raise UnknownApplication
            removed = OauthClientRemoved(client_id=client_id, removed_by=principal.actor_id)
            await self._events.announce(removed, org_id=principal.org_id, aggregate_id=client_id)
