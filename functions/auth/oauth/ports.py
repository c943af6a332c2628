"""What the authorization server needs of the world around it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from auth.models import Origin
from auth.oauth.models import Application, AuthorizationCode, AuthorizationRequest
from auth.organizations.models import JoinedOrganization
from auth.second_factors.models import Authenticated
from auth.service_accounts.models import ServiceAccount
from auth.sign_in.models import Profile


class Applications(Protocol):
    """Applications that are not removed."""

    async def all(self, org_id: UUID) -> Sequence[Application]:
        """Those that an organization registered, the newest first."""
        ...

    async def add(self, application: Application) -> None:
        """Keep a new one."""
        ...

    async def remove(self, org_id: UUID, client_id: UUID, at: datetime) -> bool:
        """Remove one and end its sessions; False when the organization has none with this id."""
        ...

    async def by_id(self, client_id: UUID) -> Application | None:
        """The application with this id, whoever registered it."""
        ...

    async def held(self, application: Application) -> bool:
        """Whether it still is not removed; then nobody removes it before the transaction ends."""
        ...

    async def registrar(self, application: Application) -> str:
        """The name of the organization that registered an application."""
        ...


class Accounts(Protocol):
    """Service accounts that are not disabled."""

    async def by_secret(self, secret_hash: str) -> ServiceAccount | None:
        """The account whose secret has this digest, of whatever organization."""
        ...


class AccountsOf(Protocol):
    """Service accounts of an organization that are not disabled."""

    async def live(self, org_id: UUID, account_id: UUID) -> ServiceAccount | None:
        """The organization's account with this id."""
        ...


class Requests(Protocol):
    """What applications asked for and nobody decided yet."""

    async def add(self, request: AuthorizationRequest) -> None:
        """Keep a request."""
        ...

    async def shown(self, cookie_hash: str) -> AuthorizationRequest | None:
        """The request of a browser, locked for the transaction."""
        ...

    async def next_form(self, cookie_hash: str, form_hash: str) -> None:
        """Take nothing but the next form from now on."""
        ...

    async def remove(self, cookie_hash: str) -> bool:
        """Forget a request; False when there is none."""
        ...


class Codes(Protocol):
    """Authorization codes."""

    async def add(self, code: AuthorizationCode) -> None:
        """Keep a new code."""
        ...

    async def shown(self, code_hash: str) -> AuthorizationCode | None:
        """The code with this digest, locked for the transaction."""
        ...

    async def use(self, code: AuthorizationCode, at: datetime) -> None:
        """Mark a code as used."""
        ...


class Authenticates(Protocol):
    """Finds out who somebody is."""

    async def authenticate(self, email: str, password: str, *, code: str | None, origin: Origin) -> Authenticated:
        """Whose address, password and second factor these are. Raises Unauthenticated, TooManyAttempts."""
        ...


class Organizations(Protocol):
    """Who is where."""

    async def of(self, user_id: UUID) -> Sequence[JoinedOrganization]:
        """The organizations of a person, the oldest first."""
        ...


class Profiles(Protocol):
    """What people show of themselves."""

    async def profile(self, user_id: UUID) -> Profile | None:
        """A person's profile; None when they have no account any more."""
        ...


class SignsIdentities(Protocol):
    """Signs id tokens."""

    def sign_identity(self, claims: Mapping[str, Any]) -> str:
        """The claims as a signed token. Raises NoSigningKey."""
        ...


class VerificationKeys(Protocol):
    """The keys that verify what we signed."""

    async def key(self, kid: str) -> Any:  # noqa: ANN401 - cryptography's key, for PyJWT
        """The public key with this name. Raises Unauthenticated when there is none."""
        ...
