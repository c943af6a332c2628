"""What admitting a caller is decided by."""

from datetime import datetime
from uuid import UUID

from llmo_core.errors import Unauthenticated
from llmo_core.model import OpenModel


class AdmissionKey(OpenModel):
    """An API key as the view `auth.admission_keys` publishes it; limits and budgets are the gateway's business."""

    key_id: UUID
    org_id: UUID
    project_id: UUID
    permissions: frozenset[str]
    allowed_cidrs: tuple[str, ...] | None = None
    expires_at: datetime | None
    revoked_at: datetime | None


class AdmissionSession(OpenModel):
    """A session as the view `auth.admission_sessions` publishes it, with what its user is in one organization."""

    user_id: UUID
    role: str | None  # None for somebody in no organization
    role_permissions: frozenset[str] | None = None  # of a role that the organization made itself
    expires_at: datetime
    revoked_at: datetime | None


class AdmissionServiceAccount(OpenModel):
    """A service account as the view `auth.admission_service_accounts` publishes it."""

    org_id: UUID
    permissions: frozenset[str]
    disabled_at: datetime | None


class NoBearerToken(Unauthenticated):
    """The request has no `Authorization: Bearer` header."""


class AmbiguousCredentials(Unauthenticated):
    """The request has more than one `Authorization` header."""


class NotAnApiKey(Unauthenticated):
    """The token is neither a well-formed API key nor a JSON Web Token."""


class KeyUnknown(Unauthenticated):
    """Nobody has this API key."""


class KeyRevoked(Unauthenticated):
    """The API key was revoked."""


class SigningKeyUnknown(Unauthenticated):
    """The access token names no key of ours."""


class SessionEnded(Unauthenticated):
    """The access token's session has ended, or its user has left the organization."""


class AddressNotAllowed(Unauthenticated):
    """The API key may not be used from the caller's address."""


class ServiceAccountDisabled(Unauthenticated):
    """There is no such service account in the organization, or it was disabled."""


class KeyExpired(Unauthenticated):
    """The API key has expired."""
