"""Organizations, projects, people and API keys, and what can go wrong with them."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from llmo_auth.networks import network_bits
from llmo_auth.principal import Permission
from llmo_core.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated, Unavailable
from llmo_core.model import Model
from llmo_messaging.envelope import Event


class KeyLimits(Model):
    """What calls with a key may use; None is no limit."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    monthly_budget_usd: Decimal | None = None
    allowed_models: tuple[str, ...] | None = None

    def beyond(self, own: "KeyLimits") -> tuple[str, ...]:
        """The names of the limits that allow more than `own`: larger ones, other models, none where `own` has one."""
        numbers = ("requests_per_minute", "tokens_per_minute", "monthly_budget_usd")
        exceeded = [name for name in numbers if _exceeds(getattr(self, name), getattr(own, name))]
        allowed = own.allowed_models
        if allowed is not None and (self.allowed_models is None or not set(self.allowed_models) <= set(allowed)):
            exceeded.append("allowed_models")
        return tuple(exceeded)


class StoredKey(Model):
    """An API key as it is kept: its digest and its last characters, never its text.

    Attributes:
        created_by: A user, or the API key that was used.
        user_id: The member whose own key it is; it ends with their membership.
        service_account_id: The service account whose key it is; it ends when that is disabled.
        replaces: The key that it was rotated from.
        allowed_cidrs: The networks that it may be used from, in CIDR notation; None is from everywhere.
    """

    id: UUID
    org_id: UUID
    project_id: UUID
    name: str
    key_hash: str
    hint: str
    created_by: UUID
    user_id: UUID | None = None
    service_account_id: UUID | None = None
    replaces: UUID | None = None
    permissions: tuple[Permission, ...]
    limits: KeyLimits
    allowed_cidrs: tuple[str, ...] | None = None
    expires_at: datetime | None
    revoked_at: datetime | None
    created_at: datetime

    def admitted(self, now: datetime) -> bool:
        """Whether calls with the key are let through."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)

    def exceeded_by(
        self, limits: KeyLimits, expires_at: datetime | None, allowed_cidrs: tuple[str, ...] | None
    ) -> tuple[str, ...]:
        """What another key would have more of, by the names of its members."""
        beyond = limits.beyond(self.limits)
        if _exceeds(expires_at, self.expires_at):
            beyond += ("expires_at",)
        if not _inside(allowed_cidrs, self.allowed_cidrs):
            beyond += ("allowed_cidrs",)
        return beyond


class IssuedKey(Model):
    """A key that was just created, with its text: the only time that it is seen."""

    stored: StoredKey
    text: str


class ApiKeyCreated(Event, name="llmo.auth.api_key.created"):
    """An API key, by what it may do; nothing of its text."""

    org_id: UUID
    project_id: UUID
    key_id: UUID
    name: str
    hint: str
    created_by: UUID
    permissions: tuple[Permission, ...]
    expires_at: datetime | None

    @classmethod
    def of(cls, key: StoredKey) -> "ApiKeyCreated":
        """Tell of a key."""
        return cls(key_id=key.id, **{name: getattr(key, name) for name in cls.model_fields if name != "key_id"})


class ApiKeyRevoked(Event, name="llmo.auth.api_key.revoked"):
    """The gateway refuses the key from now on."""

    org_id: UUID
    key_id: UUID
    revoked_at: datetime


class ApiKeyRotated(Event, name="llmo.auth.api_key.rotated"):
    """A key has a successor, and works for a while longer."""

    org_id: UUID
    key_id: UUID
    successor_id: UUID
    expires_at: datetime


class UnknownKey(NotFound):
    """The organization has no API key with this id."""


class NoSuchServiceAccount(Invalid):
    """The organization has no service account with this id, or it was disabled."""


class ProjectRequired(Invalid):
    """The caller belongs to no project, so the key's project must be named."""


class ExpiryInThePast(Invalid):
    """A key must expire in the future."""


class KeyNotLive(Conflict):
    """The key was revoked, or has expired: there is nothing to rotate."""


class PermissionNotHeld(Forbidden):
    """Nobody can give a key permissions that they do not have themselves."""


class CredentialsNotOwn(Forbidden):
    """API keys are made neither by an application for somebody nor with a token for one service."""


class LimitBeyondOwn(Forbidden):
    """Nobody can give a key more than the key that they call with may use."""


class CreatorNotAdmitted(Unauthenticated):
    """The key that this is asked with was revoked, or has expired."""


class RevocationUnfinished(Unavailable):
    """The key is revoked, but the gateway may not know yet. Repeating the request is safe and finishes it."""


def _exceeds[T: (int, Decimal, datetime)](wanted: T | None, own: T | None) -> bool:
    return own is not None and (wanted is None or wanted > own)


def _inside(wanted: tuple[str, ...] | None, own: tuple[str, ...] | None) -> bool:
    if own is None:
        return True
    outer = tuple(map(network_bits, own))
    return wanted is not None and all(network_bits(cidr).startswith(outer) for cidr in wanted)
