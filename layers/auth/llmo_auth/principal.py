"""Who is calling: the principal that the authorizer put into the request, and what it may do."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any
from uuid import UUID

from llmo_core.errors import Forbidden, Unauthenticated
from llmo_core.model import Model


class Permission(StrEnum):
    """What a caller can be allowed to do, `<noun>:<read|write>`; later services add theirs here."""

    LLM_CALL = "llm:call"
    USAGE_READ = "usage:read"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    MEMBERS_READ = "members:read"
    MEMBERS_WRITE = "members:write"
    PROJECTS_READ = "projects:read"
    PROJECTS_WRITE = "projects:write"
    ROLES_WRITE = "roles:write"
    AUDIT_READ = "audit:read"
    ORG_WRITE = "org:write"
    SERVICE_ACCOUNTS_READ = "service_accounts:read"
    SERVICE_ACCOUNTS_WRITE = "service_accounts:write"
    OAUTH_CLIENTS_READ = "oauth_clients:read"
    OAUTH_CLIENTS_WRITE = "oauth_clients:write"
    MODELS_READ = "models:read"
    MODELS_WRITE = "models:write"
    BUDGETS_READ = "budgets:read"
    BUDGETS_WRITE = "budgets:write"
    LOGS_READ = "logs:read"
    LOGS_WRITE = "logs:write"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
    BILLING_READ = "billing:read"
    BILLING_WRITE = "billing:write"
    BILLING_REPORT = "billing:report"
    NOTIFICATIONS_READ = "notifications:read"
    NOTIFICATIONS_WRITE = "notifications:write"
    EVENTS_WRITE = "events:write"
    ANALYTICS_WRITE = "analytics:write"
    REPORTS_WRITE = "reports:write"


class Role(StrEnum):
    """What a user is in an organization, when it is no role of the organization's own making."""

    OWNER = "owner"
    ADMIN = "admin"
    DEVELOPER = "developer"
    BILLING = "billing"
    VIEWER = "viewer"


_READ = frozenset(
    {
        Permission.USAGE_READ,
        Permission.KEYS_READ,
        Permission.MEMBERS_READ,
        Permission.PROJECTS_READ,
        Permission.BUDGETS_READ,
        Permission.BILLING_READ,
    }
)

PERMISSIONS_OF: Mapping[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.ADMIN: frozenset(Permission) - {Permission.ORG_WRITE},
    Role.DEVELOPER: _READ
    | {
        Permission.LLM_CALL,
        Permission.KEYS_WRITE,
        Permission.MODELS_READ,
        Permission.WEBHOOKS_READ,
        Permission.BILLING_REPORT,
        Permission.NOTIFICATIONS_READ,
        Permission.NOTIFICATIONS_WRITE,
        Permission.EVENTS_WRITE,
        Permission.REPORTS_WRITE,
    },
    Role.BILLING: frozenset(
        {
            Permission.USAGE_READ,
            Permission.PROJECTS_READ,
            Permission.BUDGETS_READ,
            Permission.BUDGETS_WRITE,
            Permission.BILLING_READ,
            Permission.BILLING_WRITE,
            Permission.BILLING_REPORT,
            Permission.REPORTS_WRITE,
        }
    ),
    Role.VIEWER: _READ,
}
"""What each role may do that every organization has."""


def permissions_of(role: str, custom: Collection[str] | None) -> frozenset[str]:
    """What a role may do: one that every organization has, or one of its own, made of the `custom` permissions."""
    return frozenset(custom) if custom is not None else frozenset(map(str, PERMISSIONS_OF[Role(role)]))


IDENTITY_SCOPES = frozenset({"openid", "profile", "email"})
"""What an application may know of a person (OpenID Connect Core, section 5.4), whatever the person may do."""


class ActorType(StrEnum):
    """What kind of credentials the caller showed."""

    API_KEY = "api_key"
    USER = "user"
    SERVICE_ACCOUNT = "service_account"


class MissingPermission(Forbidden):
    """The caller's credentials lack a permission that this needs."""


class NotSignedIn(Forbidden):
    """This is for a person who has signed in; an API key is none."""


class AppendsOnly(Forbidden):
    """This key appends events, and is shown nothing: anybody may have it."""


class ActsForSomebody(Forbidden):
    """An application acts for you here; this is for you alone."""


class NoOrganization(Forbidden):
    """You are in no organization: create one, or join one that you are invited to."""


class Person(Model):
    """Somebody who has signed in, as themselves and not as a member.

    Attributes:
        org_id: What their tokens are for; None while they are in no organization.
        client_id: The application that acts for them; None when they act themselves.
        identity_scope: What of them its token lets the application know, such as `email`.
    """

    user_id: UUID
    session_id: UUID
    org_id: UUID | None = None
    client_id: UUID | None = None
    identity_scope: frozenset[str] = frozenset()

    @property
    def actor_type(self) -> ActorType:
        """As of a Principal."""
        return ActorType.USER

    @property
    def actor_id(self) -> UUID:
        """As of a Principal."""
        return self.user_id

    def to_context(self) -> dict[str, str]:
        """Somebody in no organization as the flat text that API Gateway carries; see Principal.to_context."""
        return {
            "org_id": str(self.org_id or ""),
            "project_id": "",
            "actor_type": ActorType.USER,
            "actor_id": str(self.user_id),
            "permissions": "",
            "session_id": str(self.session_id),
            "client_id": str(self.client_id or ""),
            "service": "",
            "identity_scope": " ".join(sorted(self.identity_scope)),
        }

    @classmethod
    def from_context(cls, context: dict[str, Any] | None) -> "Person":
        """The person in `requestContext.authorizer`, whoever acts for them.

        Raises Unauthenticated, or NotSignedIn for an API key or a service account.
        """
        if not context or "actor_id" not in context:
            raise Unauthenticated
        if not context.get("session_id"):
            raise NotSignedIn
        return cls(
            user_id=UUID(context["actor_id"]),
            session_id=UUID(context["session_id"]),
            org_id=_id(context, "org_id"),
            client_id=_id(context, "client_id"),
            identity_scope=frozenset(context.get("identity_scope", "").split()),
        )

    def themselves(self) -> "Person":
        """The same, unless an application acts for them: raises ActsForSomebody."""
        if self.client_id is not None:
            raise ActsForSomebody
        return self


class Principal(Model):
    """The authenticated caller of one request. Every query below it is limited to `org_id`.

    Attributes:
        actor_id: The user's, the API key's or the service account's.
        session_id: Where a user signed in; None for everybody else.
        client_id: The application that acts for the user; None when they act themselves, and for everybody else.
        service: The only part of the API that the credentials are for; None for all of it.
        identity_scope: As in Person.
    """

    org_id: UUID
    project_id: UUID | None
    actor_type: ActorType
    actor_id: UUID
    permissions: frozenset[str]
    session_id: UUID | None = None
    client_id: UUID | None = None
    service: str | None = None
    identity_scope: frozenset[str] = frozenset()

    @property
    def in_person(self) -> bool:
        """Whether a user acts, and no application for them."""
        return self.actor_type is ActorType.USER and self.client_id is None

    @property
    def appends_only(self) -> bool:
        """Whether this is a key that web pages may hold: all that it may do is append events."""
        return self.actor_type is ActorType.API_KEY and self.permissions == {Permission.EVENTS_WRITE}

    def require(self, permission: Permission) -> None:
        """Raise MissingPermission unless the caller has the permission."""
        if permission not in self.permissions:
            raise MissingPermission(f"This needs the permission {permission}.")

    def to_context(self) -> dict[str, str]:
        """The principal as the flat text that API Gateway carries from the authorizer to a function."""
        return {
            "org_id": str(self.org_id),
            "project_id": str(self.project_id or ""),
            "actor_type": self.actor_type,
            "actor_id": str(self.actor_id),
            "permissions": " ".join(sorted(self.permissions)),
            "session_id": str(self.session_id or ""),
            "client_id": str(self.client_id or ""),
            "service": self.service or "",
            "identity_scope": " ".join(sorted(self.identity_scope)),
        }

    @classmethod
    def from_context(cls, context: dict[str, Any] | None) -> "Principal":
        """The principal in `requestContext.authorizer`; raises Unauthenticated, or NoOrganization."""
        if not context or "org_id" not in context:
            raise Unauthenticated
        if not context["org_id"]:
            raise NoOrganization
        return cls(
            org_id=UUID(context["org_id"]),
            project_id=_id(context, "project_id"),
            actor_type=ActorType(context["actor_type"]),
            actor_id=UUID(context["actor_id"]),
            permissions=frozenset(context["permissions"].split()),
            session_id=_id(context, "session_id"),
            client_id=_id(context, "client_id"),
            service=context.get("service") or None,
            identity_scope=frozenset(context.get("identity_scope", "").split()),
        )


def _id(context: Mapping[str, Any], name: str) -> UUID | None:
    return UUID(context[name]) if context.get(name) else None
