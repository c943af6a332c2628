"""Opening accounts."""

from collections.abc import Callable
from decimal import Decimal

from auth.accounts.models import Account, AccountIds, EmailTaken, User
from auth.accounts.ports import Accounts
from auth.api_keys.models import ApiKeyCreated, KeyLimits, StoredKey
from auth.organizations.models import Organization, OrganizationCreated, Project
from llmo_auth import api_key
from llmo_auth.principal import Permission
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_data.ports import Events, Transaction


class AccountService:
    """Opens accounts."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        events: Events,
        transaction: Transaction,
        hash_password: Callable[[str], str],
        pepper: bytes,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._accounts = accounts
        self._events = events
        self._transaction = transaction
        self._hash_password = hash_password
        self._pepper = pepper
        self._clock = clock
        self._new_id = new_id

    async def open(
        self, *, organization: str, project: str, email: str, password: str, monthly_budget_usd: Decimal | None
    ) -> AccountIds:
        """Create an organization with a project, an owner and an API key that may do everything.

        Safe to repeat, also at the same time: an e-mail address gets one account, and a later call finds it and
        changes nothing. Only the call that creates it learns the key. Raises EmailTaken.
        """
        found = await self._accounts.owned_by(email)
        if found is not None:
            return found
        org_ref = api_key.new_org_ref()
        key = api_key.generate(org_ref)
        account = self._account(
            Organization(id=self._new_id(), org_ref=org_ref, name=organization, monthly_budget_usd=monthly_budget_usd),
            project=project,
            owner=User(
                id=self._new_id(),
                email=email,
                password_hash=self._hash_password(password),
                name=email.partition("@")[0],
            ),
            key=key,
        )
        if await self._keep(account):
            return AccountIds(
                org_id=account.organization.id,
                project_id=account.project.id,
                user_id=account.owner.id,
                key_id=account.key.id,
                api_key=key.text,
            )
        found = await self._accounts.owned_by(email)
        if found is None:
            raise EmailTaken
        return found

    async def _keep(self, account: Account) -> bool:
        """Whether the account was new; one transaction keeps and announces it."""
        org_id = account.organization.id
        async with self._transaction(org_id):
            if not await self._accounts.open(account):
                return False
            created = OrganizationCreated(org_id=org_id, name=account.organization.name, owner_id=account.owner.id)
            await self._events.announce(created, org_id=org_id, aggregate_id=org_id)
            await self._events.announce(ApiKeyCreated.of(account.key), org_id=org_id, aggregate_id=account.key.id)
        return True

    def _account(self, organization: Organization, *, project: str, owner: User, key: api_key.ApiKey) -> Account:
        project_id = self._new_id()
        return Account(
            organization=organization,
            project=Project(id=project_id, org_id=organization.id, name=project),
            owner=owner,
            key=StoredKey(
                id=self._new_id(),
                org_id=organization.id,
                project_id=project_id,
                name="First key",
                key_hash=key.digest(self._pepper),
                hint=key.hint,
                created_by=owner.id,
                user_id=owner.id,
                permissions=tuple(sorted(Permission)),
                limits=KeyLimits(),
                expires_at=None,
                revoked_at=None,
                created_at=self._clock.now(),
            ),
        )
