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
    expires_at: datetime | None
    revoked_at: datetime | None


class NoBearerToken(Unauthenticated):
    """The request has no `Authorization: Bearer` header."""


class NotAnApiKey(Unauthenticated):
    """The token is no well-formed API key."""


class KeyUnknown(Unauthenticated):
    """Nobody has this API key."""


class KeyRevoked(Unauthenticated):
    """The API key was revoked."""


class KeyExpired(Unauthenticated):
    """The API key has expired."""
