"""Models of the registry and their prices, and what can go wrong with them."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from integration.management.models import Configured, InUse
from llmo_core.errors import Conflict, Invalid, NotFound
from llmo_core.model import Model
from llmo_messaging.envelope import Event


class Capability(StrEnum):
    """What a model can do."""

    CHAT = "chat"
    RESPONSES = "responses"
    EMBEDDINGS = "embeddings"
    TOOLS = "tools"
    VISION = "vision"
    STRUCTURED_OUTPUT = "structured_output"
    REASONING = "reasoning"
    AUDIO = "audio"
    IMAGES = "images"
    MODERATION = "moderation"
    TRANSCRIPTION = "transcription"
    SPEECH = "speech"


class RegisteredModel(Configured):
    """A model by the name that the organization calls it.

    Attributes:
        upstream_model: What its provider calls it.
        capabilities: None when they are not known.
        context_window: Tokens.
        max_output_tokens: The most tokens of one answer.
        deprecated_at: Calls are answered with a warning from then on.
        retired_at: Calls are refused from then on.
        replacement: What to call instead.
    """

    provider_id: UUID
    upstream_model: str
    capabilities: Sequence[Capability] | None
    context_window: int | None
    max_output_tokens: int | None
    deprecated_at: datetime | None
    retired_at: datetime | None
    replacement: str | None


class NewModel(Model):
    """What a model is made of."""

    name: str
    provider_id: UUID
    upstream_model: str
    capabilities: Sequence[Capability] | None = None
    context_window: int | None = None
    max_output_tokens: int | None = None
    deprecated_at: datetime | None = None
    retired_at: datetime | None = None
    replacement: str | None = None


class ModelChanges(Model):
    """What shall be another; what is not set stays."""

    name: str = ""
    provider_id: UUID = UUID(int=0)
    upstream_model: str = ""
    capabilities: Sequence[Capability] | None = None
    context_window: int | None = None
    max_output_tokens: int | None = None
    deprecated_at: datetime | None = None
    retired_at: datetime | None = None
    replacement: str | None = None


class Price(Model):
    """What a model costs from some moment on, in dollars per million tokens.

    Attributes:
        cached_input_mtok: None: as any other input.
    """

    effective_from: datetime
    input_mtok: Decimal
    cached_input_mtok: Decimal | None = None
    output_mtok: Decimal


class Origin(StrEnum):
    """Where an edition of the price table comes from: with the deployment, or from a refresh since."""

    PACKAGED = "packaged"
    REFRESHED = "refreshed"


class PriceEdition(Model):
    """An edition of the price table.

    Attributes:
        version: Names it in usage events.
        dated: As of when its prices are the providers'.
    """

    version: str
    dated: datetime
    origin: Origin


class ModelCreated(Event, name="llmo.integration.model.created"):
    """A new name for a provider's model."""

    model_id: UUID
    name: str
    provider_id: UUID
    upstream_model: str
    created_by: UUID

    @classmethod
    def of(cls, model: RegisteredModel) -> "ModelCreated":
        """Tell of a model."""
        return cls(model_id=model.id, **model.model_dump(include=cls.model_fields.keys() - {"model_id"}))


class ModelChanged(Event, name="llmo.integration.model.changed"):
    """A model is another one; which fields are."""

    model_id: UUID
    name: str
    version: int
    changed: Sequence[str]
    changed_by: UUID

    @classmethod
    def of(cls, model: RegisteredModel, changed: Sequence[str], by: UUID) -> "ModelChanged":
        """Tell of a model's new version."""
        return cls(model_id=model.id, name=model.name, version=model.version, changed=changed, changed_by=by)


class ModelRemoved(Event, name="llmo.integration.model.removed"):
    """A model that is called by this name no more."""

    model_id: UUID
    name: str
    removed_by: UUID

    @classmethod
    def of(cls, model: RegisteredModel, by: UUID) -> "ModelRemoved":
        """Tell of a model that is gone."""
        return cls(model_id=model.id, name=model.name, removed_by=by)


class ModelPriced(Event, name="llmo.integration.model.priced"):
    """What a model costs from some moment on."""

    model_id: UUID
    name: str
    price: Price
    priced_by: UUID


class UnknownModel(NotFound):
    """The organization has no model with this id."""


class NoSuchProvider(Invalid):
    """The organization has no provider with this id."""


class ModelInUse(InUse):
    """Routes have the model as a target."""


class RetiredBeforeDeprecated(Invalid):
    """A model is deprecated first, and retired then."""


class PriceInEffect(Conflict):
    """There is a price from this moment on already, and calls may have been charged by it."""
