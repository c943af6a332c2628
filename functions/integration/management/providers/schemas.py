"""Bodies about providers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, SecretStr, StringConstraints

from integration.management.fields import ProviderName, Region
from integration.management.providers.models import ConnectionTest, NewProvider, Provider, ProviderChanges
from integration.provider_kinds import Kind
from llmo_core.model import Model
from llmo_core.paging import Page, cursor_after

_MOST_HEADERS = 20
# RFC 9110, sections 5.3 and 7.6.1, what frames a message, and what carries credentials, which belong into `api_key`.
_NOT_ONES_OWN = frozenset(
    {
        *("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "via"),
        *("host", "content-length", "content-type", "content-encoding", "accept-encoding", "expect"),
        *("authorization", "proxy-authorization", "proxy-authenticate", "www-authenticate", "cookie", "set-cookie"),
        *("api-key", "x-api-key", "x-goog-api-key"),
    }
)


def _one_s_own(name: str) -> str:
    if name in _NOT_ONES_OWN:
        raise ValueError(f"{name} is not yours to set")
    return name


def _named_once(headers: object) -> object:
    if isinstance(headers, dict) and len({str(name).lower() for name in headers}) < len(headers):
        raise ValueError("a header is named twice")
    return headers


def _printable(api_key: SecretStr) -> SecretStr:
    text = api_key.get_secret_value()
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise ValueError("an API key is printable ASCII without spaces")
    return api_key


type HeaderName = Annotated[
    str,
    StringConstraints(to_lower=True, max_length=100, pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"),
    AfterValidator(_one_s_own),
]
type HeaderValue = Annotated[
    str, StringConstraints(max_length=1000, pattern=r"^([\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?)?$")
]
type Headers = Annotated[dict[HeaderName, HeaderValue], Field(max_length=_MOST_HEADERS), BeforeValidator(_named_once)]
type ApiKey = Annotated[SecretStr, Field(min_length=1, max_length=4096), AfterValidator(_printable)]
type BaseUrl = Annotated[str, StringConstraints(min_length=8, max_length=500)]
type ApiVersion = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{0,39}$")]

_BASE_URL = "Where the API is, with its version; where the kind's is when left out."
_HEADERS = "Sent with every call. They are shown and stored as they are: no secrets."
_REGION = "Where the provider computes; Bedrock's address is made with it."
_API_KEY = "Stored encrypted, and never shown again but for its last four characters."


class CreateProvider(Model):
    """A new provider."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "openai", "kind": "openai", "api_key": "sk-example-0123456789"},
                {"name": "vllm", "kind": "openai_compatible", "base_url": "https://vllm.example.com/v1"},
            ]
        }
    )

    name: ProviderName = Field(description="Models may be called `<name>/<model>`.")
    kind: Kind
    base_url: BaseUrl | None = Field(None, description=_BASE_URL)
    api_version: ApiVersion | None = Field(None, description="Of Azure OpenAI, for resources without the v1 API.")
    region: Region | None = Field(None, description=_REGION)
    headers: Headers = Field(default_factory=dict, description=_HEADERS)
    api_key: ApiKey | None = Field(None, description=_API_KEY)

    def wanted(self) -> NewProvider:
        """What is asked for."""
        return NewProvider.model_validate(self.model_dump())


class ChangeProvider(Model):
    """What shall be another; what is left out stays. Its kind stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"api_key": "sk-example-9876543210"}]})

    name: ProviderName = Field(default_factory=str)
    base_url: BaseUrl | None = Field(None, description=f"{_BASE_URL} Null: where the kind's is.")
    api_version: ApiVersion | None = None
    region: Region | None = Field(None, description=_REGION)
    headers: Headers = Field(default_factory=dict, description=f"{_HEADERS} They replace all that there were.")
    api_key: ApiKey | None = Field(None, description=f"{_API_KEY} Null: the provider is called without one.")

    def wanted(self) -> ProviderChanges:
        """What is asked for."""
        return ProviderChanges.model_validate(self.model_dump(exclude_unset=True))


class ProviderOut(Model):
    """A provider without its credentials; `credentials_hint` is the last four characters of its API key."""

    id: UUID
    name: str
    kind: Kind
    base_url: str
    api_version: str | None
    region: str | None
    headers: Mapping[str, str]
    credentials_hint: str | None = Field(
        description="Null without an API key; `****` when it is too short to show some of it."
    )
    version: int
    created_by: UUID
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, provider: Provider) -> Self:
        """Show a provider."""
        shown = provider.model_dump(exclude={"org_id", "credentials"})
        return cls(**shown, credentials_hint=provider.credentials and provider.credentials.hint)


class ProviderPage(Model):
    """Some providers, the newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[ProviderOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Provider]) -> Self:
        """Show a page."""
        return cls(data=[ProviderOut.of(provider) for provider in page.data], next_cursor=cursor_after(page.last))


class ConnectionTestOut(Model):
    """What came of asking the provider for its models."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"ok": True, "status": 200, "latency_ms": 143, "models_count": 62, "problem": None},
                {
                    "ok": False,
                    "status": 401,
                    "latency_ms": 95,
                    "models_count": None,
                    "problem": "The provider refuses the credentials (HTTP 401).",
                },
            ]
        }
    )

    ok: bool
    status: int | None = Field(description="Of HTTP; null when there was no answer.")
    latency_ms: int
    models_count: int | None
    problem: str | None = Field(description="What is wrong, for people; it may be worded differently some day.")

    @classmethod
    def of(cls, tested: ConnectionTest) -> Self:
        """Show a test."""
        return cls(**tested.model_dump())
