"""What one can do with service accounts."""

from collections.abc import Sequence
from uuid import UUID

from auth.api_keys.owned_keys import OwnedKeys
from auth.client_secrets import ClientSecrets, hint
from auth.models import NotInPerson
from auth.organizations.ports import OpenOrganizations
from auth.service_accounts.models import (
    MOST_SECRETS,
    AccountSecret,
    IssuedSecret,
    PermissionBeyondOwn,
    ServiceAccount,
    ServiceAccountCreated,
    ServiceAccountDisabled,
    ServiceAccountSecretAdded,
    ServiceAccountSecretRevoked,
    TooManySecrets,
    UnknownSecret,
    UnknownServiceAccount,
)
from auth.service_accounts.ports import ServiceAccounts
from llmo_auth.principal import Permission, Principal
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_data.ports import Events, Transaction


class ServiceAccountService:
    """Creates, lists and disables service accounts, and rotates their secrets.

    Whoever makes an account or a secret could call with it: they need every permission that it has, and must be a
    person who has signed in. An API key may expire and has limits, neither of which a service account would have.
    """

    def __init__(
        self,
        *,
        accounts: ServiceAccounts,
        organizations: OpenOrganizations,
        secrets: ClientSecrets,
        keys: OwnedKeys,
        events: Events,
        transaction: Transaction,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._accounts = accounts
        self._organizations = organizations
        self._secrets = secrets
        self._keys = keys
        self._events = events
        self._transaction = transaction
        self._clock = clock
        self._new_id = new_id

    async def all(self, principal: Principal) -> Sequence[ServiceAccount]:
        """The accounts of the caller's organization, also disabled ones, the newest first."""
        return await self._accounts.all(principal.org_id)

    async def create(
        self, principal: Principal, *, name: str, permissions: Sequence[Permission]
    ) -> tuple[ServiceAccount, IssuedSecret]:
        """Create an account and its first secret.

        Not safe to retry: each call makes another one. Raises NotInPerson, PermissionBeyondOwn, and UnknownOrganization
        when it was closed meanwhile.
        """
        _within_own(principal, permissions)
        org_id, account_id = principal.org_id, self._new_id()
        issued = self._issue(org_id, account_id)
        account = ServiceAccount(
            id=account_id,
            org_id=org_id,
            name=name,
            permissions=sorted(set(permissions)),
            created_by=principal.actor_id,
            created_at=self._clock.now(),
            secrets=[issued.secret],
        )
        async with self._transaction(org_id):
            await self._organizations.lock(org_id)
            await self._accounts.add(account)
            created = ServiceAccountCreated(
                account_id=account_id, name=name, permissions=account.permissions, created_by=principal.actor_id
            )
            await self._events.announce(created, org_id=org_id, aggregate_id=account_id)
        return account, issued

    async def disable(self, principal: Principal, account_id: UUID) -> None:
        """Give an account no more tokens, and refuse those that it has, and its API keys.

        Raises UnknownServiceAccount.
        """
        org_id = principal.org_id
        async with self._transaction(org_id):
            if not await self._accounts.disable(org_id, account_id, self._clock.now()):
                raise UnknownServiceAccount
            disabled = ServiceAccountDisabled(account_id=account_id, disabled_by=principal.actor_id)
            await self._events.announce(disabled, org_id=org_id, aggregate_id=account_id)
            await self._keys.revoke_of_account(org_id, account_id)

    async def add_secret(self, principal: Principal, account_id: UUID) -> IssuedSecret:
        """Make another secret; the one before stays until it is revoked.

        Raises UnknownServiceAccount, NotInPerson, PermissionBeyondOwn, TooManySecrets.
        """
        org_id = principal.org_id
        async with self._transaction(org_id):
            account = await self._accounts.locked(org_id, account_id)
            if account is None:
                raise UnknownServiceAccount
            _within_own(principal, account.permissions)
            if len(account.secrets) >= MOST_SECRETS:
                raise TooManySecrets
            issued = self._issue(org_id, account_id)
            await self._accounts.add_secret(issued.secret)
            added = ServiceAccountSecretAdded(
                account_id=account_id, secret_id=issued.secret.id, hint=issued.secret.hint
            )
            await self._events.announce(added, org_id=org_id, aggregate_id=account_id)
        return issued

    async def revoke_secret(self, principal: Principal, account_id: UUID, secret_id: UUID) -> None:
        """Make a secret worthless; what it got lives on for a quarter of an hour at most. Raises UnknownSecret."""
        org_id = principal.org_id
        async with self._transaction(org_id):
            if not await self._accounts.remove_secret(org_id, account_id, secret_id):
                raise UnknownSecret
            revoked = ServiceAccountSecretRevoked(account_id=account_id, secret_id=secret_id)
            await self._events.announce(revoked, org_id=org_id, aggregate_id=account_id)

    def _issue(self, org_id: UUID, account_id: UUID) -> IssuedSecret:
        text = self._secrets.make()
        secret = AccountSecret(
            id=self._new_id(),
            account_id=account_id,
            org_id=org_id,
            secret_hash=self._secrets.digest(text),
            hint=hint(text),
            created_at=self._clock.now(),
        )
        return IssuedSecret(secret=secret, text=text)


def _within_own(principal: Principal, permissions: Sequence[Permission]) -> None:
    if not principal.in_person:
        raise NotInPerson
    missing = sorted(set(permissions) - principal.permissions)
    if missing:
        raise PermissionBeyondOwn(f"You do not have {', '.join(missing)} yourself.")
