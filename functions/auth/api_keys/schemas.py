"""Bodies about API keys."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from auth.api_keys.models import IssuedKey, KeyLimits, StoredKey
from auth.fields import Cidr, PerMinute
from llmo_auth.principal import Permission
from llmo_core.fields import Budget, Moment, Name
from llmo_core.model import Model
from llmo_core.money import Usd


class CreateApiKey(Model):
    """A new API key. Limits that are left out do not apply."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Checkout service",
                    "permissions": ["llm:call"],
                    "requests_per_minute": 600,
                    "monthly_budget_usd": "250.00",
                    "allowed_models": ["gpt-4o-mini"],
                    "expires_at": "2027-01-01T00:00:00Z",
                }
            ]
        }
    )

    name: Name
    project_id: UUID | None = Field(None, description="The caller's own project when left out.")
    permissions: Annotated[tuple[Permission, ...], Field(min_length=1)] = (Permission.LLM_CALL,)
    requests_per_minute: PerMinute | None = None
    tokens_per_minute: PerMinute | None = None
    monthly_budget_usd: Budget | None = None
    allowed_models: Annotated[list[Name], Field(min_length=1, max_length=100)] | None = None
    service_account_id: UUID | None = Field(
        None, description="Makes it a key of this service account, which may do no more than that; else the caller's."
    )
    allowed_cidrs: Annotated[list[Cidr], Field(min_length=1, max_length=100)] | None = Field(
        None, description="The networks that it may be used from, such as `203.0.113.0/24`; everywhere when left out."
    )
    expires_at: Moment | None = None

    @property
    def limits(self) -> KeyLimits:
        """What calls with the key may use."""
        return KeyLimits(
            requests_per_minute=self.requests_per_minute,
            tokens_per_minute=self.tokens_per_minute,
            monthly_budget_usd=self.monthly_budget_usd,
            allowed_models=tuple(self.allowed_models) if self.allowed_models is not None else None,
        )


class ApiKeyOut(Model):
    """An API key without its text; `hint` is the text's last four characters."""

    id: UUID
    project_id: UUID
    name: str
    hint: str
    permissions: Sequence[Permission]
    requests_per_minute: int | None
    tokens_per_minute: int | None
    monthly_budget_usd: Usd | None
    allowed_models: Sequence[str] | None
    allowed_cidrs: Sequence[str] | None
    created_by: UUID
    user_id: UUID | None = Field(description="The member whose own key it is; it ends with their membership.")
    service_account_id: UUID | None = Field(
        description="The service account whose key it is; it ends when that is disabled."
    )
    replaces: UUID | None = Field(description="The key that it was rotated from.")
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(
        None, description="When it last made a call to a model, as far as the gateway remembers."
    )

    @classmethod
    def of(cls, key: StoredKey, *, last_used_at: datetime | None = None) -> Self:
        """Show a key."""
        shown = key.model_dump(exclude={"limits", "key_hash", "org_id"})
        return cls.model_validate({**shown, **key.limits.model_dump(), "last_used_at": last_used_at})


class IssuedApiKeyOut(ApiKeyOut):
    """A key that was just created. `api_key` is its text: this is the only time that it is shown."""

    api_key: str

    @classmethod
    def of_issued(cls, issued: IssuedKey) -> Self:
        """Show a new key with its text."""
        return cls(**ApiKeyOut.of(issued.stored).model_dump(), api_key=issued.text)


class RotateApiKey(Model):
    """How to replace a key."""

    overlap_seconds: Annotated[int, Field(ge=0, le=2_592_000)] = Field(
        86_400, description="How long the old key works beside its successor: a day when left out, 30 at most."
    )


class ApiKeyPage(Model):
    """Some keys, newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[ApiKeyOut]
    next_cursor: str | None
