"""Bodies about models of the registry."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field

from integration.management.fields import Count, ModelName, UpstreamModel
from integration.management.registry.models import (
    Capability,
    ModelChanges,
    NewModel,
    Origin,
    Price,
    PriceEdition,
    RegisteredModel,
)
from llmo_core.fields import Moment
from llmo_core.model import Model
from llmo_core.money import Usd
from llmo_core.paging import Page, cursor_after


def _in_order(given: Sequence[Capability]) -> Sequence[Capability]:
    """Each once, in the order of their list."""
    return [capability for capability in Capability if capability in given]


type Capabilities = Annotated[list[Capability], Field(max_length=len(Capability)), AfterValidator(_in_order)]
type PerMillion = Annotated[Decimal, Field(ge=0, le=10_000_000, max_digits=20, decimal_places=12)]

_NAME = "What callers send as `model`; no route of the organization has it."
_CAPABILITIES = "Null when they are not known: then nothing is kept from the model."
_DEPRECATED = "Calls are answered with a warning from then on."
_RETIRED = "Calls are refused from then on."


class CreateModel(Model):
    """A new model."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "fast",
                    "provider_id": "01980a2f-6e6c-7c9e-8f2a-3b1d5c7e9a10",
                    "upstream_model": "gpt-4o-mini",
                    "capabilities": ["chat", "tools", "vision"],
                    "context_window": 128000,
                    "max_output_tokens": 16384,
                }
            ]
        }
    )

    name: ModelName = Field(description=_NAME)
    provider_id: UUID
    upstream_model: UpstreamModel = Field(description="What the provider calls it.")
    capabilities: Capabilities | None = Field(None, description=_CAPABILITIES)
    context_window: Count | None = None
    max_output_tokens: Count | None = None
    deprecated_at: Moment | None = Field(None, description=_DEPRECATED)
    retired_at: Moment | None = Field(None, description=_RETIRED)
    replacement: ModelName | None = Field(None, description="What to call instead.")

    def wanted(self) -> NewModel:
        """What is asked for."""
        return NewModel.model_validate(self.model_dump())


class ChangeModel(Model):
    """What shall be another; what is left out stays."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"deprecated_at": "2027-01-01T00:00:00Z", "replacement": "fast-2"}]}
    )

    name: ModelName = Field(default_factory=str, description=_NAME)
    provider_id: UUID = Field(default_factory=lambda: UUID(int=0))
    upstream_model: UpstreamModel = Field(default_factory=str, description="What the provider calls it.")
    capabilities: Capabilities | None = Field(None, description=_CAPABILITIES)
    context_window: Count | None = None
    max_output_tokens: Count | None = None
    deprecated_at: Moment | None = Field(None, description=_DEPRECATED)
    retired_at: Moment | None = Field(None, description=_RETIRED)
    replacement: ModelName | None = Field(None, description="What to call instead.")

    def wanted(self) -> ModelChanges:
        """What is asked for."""
        return ModelChanges.model_validate(self.model_dump(exclude_unset=True))


class ModelOut(Model):
    """A model of the registry."""

    id: UUID
    name: str
    provider_id: UUID
    upstream_model: str
    capabilities: Sequence[Capability] | None
    context_window: int | None
    max_output_tokens: int | None
    deprecated_at: datetime | None
    retired_at: datetime | None
    replacement: str | None
    version: int
    created_by: UUID
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, model: RegisteredModel) -> Self:
        """Show a model."""
        return cls(**model.model_dump(exclude={"org_id"}))


class ModelPage(Model):
    """Some models, the newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[ModelOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[RegisteredModel]) -> Self:
        """Show a page."""
        return cls(data=[ModelOut.of(model) for model in page.data], next_cursor=cursor_after(page.last))


class PutPrice(Model):
    """What the model costs from a moment on, in US dollars per million tokens."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "effective_from": "2027-01-01T00:00:00Z",
                    "input_mtok": "0.15",
                    "cached_input_mtok": "0.075",
                    "output_mtok": "0.60",
                }
            ]
        }
    )

    effective_from: Moment
    input_mtok: PerMillion
    cached_input_mtok: PerMillion | None = Field(None, description="As any other input when left out.")
    output_mtok: PerMillion

    def wanted(self) -> Price:
        """What is asked for."""
        return Price.model_validate(self.model_dump())


class PriceOut(Model):
    """What the model costs from a moment on, as decimal text in US dollars per million tokens."""

    effective_from: datetime
    input_mtok: Usd
    cached_input_mtok: Usd | None
    output_mtok: Usd

    @classmethod
    def of(cls, price: Price) -> Self:
        """Show a price."""
        return cls(**price.model_dump())


class PricesOut(Model):
    """What the model costs, the latest price first. Without any, the built-in price table goes for it."""

    data: list[PriceOut]


class PriceEditionOut(Model):
    """The edition of the price table that calls go by now; usage events name it as `price_version`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "version": "genai-prices 2026-11-27T05:17:09Z 5a8f0b2c9d3e4f17",
                    "dated": "2026-11-27T05:17:09Z",
                    "origin": "refreshed",
                }
            ]
        }
    )

    version: str
    dated: datetime = Field(description="As of when these are the providers' prices.")
    origin: Origin = Field(description="Whether it came with the deployment, or from a refresh since.")

    @classmethod
    def of(cls, edition: PriceEdition) -> Self:
        """Show an edition."""
        return cls(**edition.model_dump())
