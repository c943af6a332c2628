"""Providers and their credentials, and what can go wrong with them."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from pydantic import Field, SecretStr

from integration.management.models import Configured, InUse
from integration.provider_kinds import KINDS, Kind, ProviderKind
from llmo_core.errors import Conflict, Invalid, NotFound
from llmo_core.model import Model
from llmo_messaging.envelope import Event

_SHOWN = 4
_LONG_ENOUGH = 12  # of a shorter text the last four characters would tell too much


class StoredCredentials(Model):
    """An API key as it is kept: sealed, and its last characters."""

    data_key: bytes = Field(repr=False)
    ciphertext: bytes = Field(repr=False)
    hint: str


class Provider(Configured):
    """Where models are called.

    Attributes:
        name: Without a slash: models may be called `<name>/<model>`.
        base_url: Without a trailing slash.
        headers: Sent with every call; no secrets.
        credentials: None where calls need none.
    """

    kind: Kind
    base_url: str
    api_version: str | None
    region: str | None
    headers: Mapping[str, str]
    credentials: StoredCredentials | None = None

    @property
    def rules(self) -> ProviderKind:
        """How providers of its kind are called."""
        return KINDS[self.kind]

    @property
    def is_at_default(self) -> bool:
        """Whether it is where providers of its kind are unless somebody says otherwise."""
        return self.base_url == self.rules.default_base_url(self.region)


class NewProvider(Model):
    """What a provider is made of; without `base_url` it is where its kind is."""

    name: str
    kind: Kind
    base_url: str | None = None
    api_version: str | None = None
    region: str | None = None
    headers: Mapping[str, str] = Field(default_factory=dict)
    api_key: SecretStr | None = None


class ProviderChanges(Model):
    """What shall be another; what is not set stays."""

    name: str = ""
    base_url: str | None = None
    api_version: str | None = None
    region: str | None = None
    headers: Mapping[str, str] = Field(default_factory=dict)
    api_key: SecretStr | None = None


class ConnectionTest(Model):
    """What came of asking a provider for its models.

    Attributes:
        status: Of HTTP; None when there was no answer.
        models_count: How many models it named; None when it named none.
        problem: What is wrong, for people; None when nothing is.
    """

    ok: bool
    status: int | None
    latency_ms: int
    models_count: int | None = None
    problem: str | None = None


class ProviderCreated(Event, name="llmo.integration.provider.created"):
    """A new connection to a provider."""

    provider_id: UUID
    name: str
    kind: Kind
    base_url: str
    region: str | None
    created_by: UUID

    @classmethod
    def of(cls, provider: Provider) -> "ProviderCreated":
        """Tell of a provider."""
        return cls(provider_id=provider.id, **provider.model_dump(include=cls.model_fields.keys() - {"provider_id"}))


class ProviderChanged(Event, name="llmo.integration.provider.changed"):
    """A connection to a provider is another one; which fields are, and nothing of credentials."""

    provider_id: UUID
    name: str
    version: int
    changed: Sequence[str]
    changed_by: UUID


class ProviderRemoved(Event, name="llmo.integration.provider.removed"):
    """A connection to a provider that is gone, with its credentials."""

    provider_id: UUID
    name: str
    removed_by: UUID


class UnknownProvider(NotFound):
    """The organization has no provider with this id."""


class ProviderNameTaken(Conflict):
    """The organization has a provider of this name already."""


class ProviderInUse(InUse):
    """Models or routes refer to the provider."""


class UnusableBaseUrl(Invalid):
    """The base URL is none that is called."""


class BaseUrlRequired(Invalid):
    """A provider of this kind has no base URL but the one that you give."""


class RegionRequired(Invalid):
    """A provider of this kind needs its region."""


class ApiVersionNotTaken(Invalid):
    """Calls to a provider of this kind name no version of the API."""


class CredentialsRequired(Invalid):
    """A provider of this kind needs an API key."""


class CredentialsForAnotherAddress(Invalid):
    """Credentials stay with the host that they were given for: give `api_key` again with another base URL."""


def hint(api_key: str) -> str:
    """An API key's last four characters, by which people recognize it; asterisks for a short one."""
    return api_key[-_SHOWN:] if len(api_key) >= _LONG_ENOUGH else "*" * _SHOWN
