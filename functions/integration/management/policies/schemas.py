"""Bodies about policies."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from integration.choices import Caching, SemanticMode
from integration.management.fields import Count, ModelName
from integration.management.policies.models import Policy, Rules
from llmo_core.fields import Flag
from llmo_core.model import Model
from llmo_core.paging import Page, cursor_after

_LEAST_TRIMMED_TO = 100
_MOST_SUBSTITUTES = 50
_MONTH_SECONDS = 30 * 86_400
_LEAST_THRESHOLD = 0.9
_USUAL_THRESHOLD = 0.94  # docs/adr/0019

type TrimmedTo = Annotated[int, Field(ge=_LEAST_TRIMMED_TO, le=2_147_483_647)]
type Namespace = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$")]
type Threshold = Annotated[float, Field(strict=True, ge=_LEAST_THRESHOLD, le=1)]
type Seconds = Annotated[int, Field(ge=1, le=_MONTH_SECONDS)]


class PutPolicy(Model):
    """What may be done to make calls cheaper; nothing but exact caching when it is empty."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"compact": True, "trim_to_tokens": 8000, "max_output_tokens": 2000}]}
    )

    compact: Flag = Field(default=False, description="Leave out blanks and repetitions that say nothing.")
    trim_to_tokens: TrimmedTo | None = Field(None, description="Leave out the oldest turns of longer conversations.")
    max_output_tokens: Count | None = Field(None, description="The most that an answer may have.")
    prompt_cache: Flag = Field(
        default=False, description="Help the provider to find prompts that begin like earlier ones."
    )
    substitute_models: Annotated[dict[ModelName, ModelName], Field(max_length=_MOST_SUBSTITUTES)] = Field(
        default_factory=dict,
        description=(
            "Which models answer in place of which others. One that is not there any more, or takes no such call, does "
            "not. A key that may use a model gets the answers of its substitute."
        ),
        examples=[{"gpt-4o": "gpt-4o-mini"}],
    )
    substitute_up_to_tokens: Count | None = Field(
        None, description="Only in calls with an input up to about this size; null: in all."
    )
    cache: Caching = Field(
        Caching.EXACT,
        description=(
            "Which calls the cache answers: those that equal an earlier one (`exact`), also chat completions whose "
            "last message differs from an earlier one's in courtesy, case, punctuation, articles and number words "
            "only (`form`), also those whose last message means the same to a model that embeds both (`semantic`), or "
            "none (`off`)."
        ),
    )
    cache_any_temperature: Flag = Field(
        default=False,
        description="Whether `form` and `semantic` take calls with a temperature above 0.3, and that say none, too.",
    )
    cache_ttl_seconds: Seconds = Field(86_400, description="How long the cache keeps an answer.")
    cache_namespace: Namespace | None = Field(
        None, description="Keeps these answers apart from all others; a namespace that a call names lies inside it."
    )
    semantic_mode: SemanticMode = Field(
        SemanticMode.SHADOW,
        description=(
            "What `semantic` does with the answer to another call that it finds: it tells of it and answers nothing "
            "(`shadow`), or gives it (`on`)."
        ),
    )
    semantic_threshold: Threshold = Field(
        _USUAL_THRESHOLD, description="The least cosine of two messages that mean the same; a call may raise it."
    )
    semantic_embedding_model: ModelName | None = Field(
        None,
        description=(
            "What `semantic` embeds messages with: a registered model, `connection/model`, or a model of the "
            "deployment's provider. One that is not there finds nothing."
        ),
        examples=["text-embedding-3-small"],
    )

    @model_validator(mode="after")
    def _names_what_embeds(self) -> Self:
        if self.cache is Caching.SEMANTIC and self.semantic_embedding_model is None:
            raise ValueError("`semantic` needs a semantic_embedding_model")
        return self

    def wanted(self) -> Rules:
        """What is asked for."""
        return Rules.model_validate(self.model_dump())


class PolicyOut(Model):
    """What may be done to make calls cheaper: those of a key, of a project, or all that have no policy of their own."""

    project_id: UUID | None
    key_id: UUID | None
    compact: bool
    trim_to_tokens: int | None
    max_output_tokens: int | None
    prompt_cache: bool
    substitute_models: dict[str, str]
    substitute_up_to_tokens: int | None
    cache: Caching
    cache_any_temperature: bool
    cache_ttl_seconds: int
    cache_namespace: str | None
    semantic_mode: SemanticMode
    semantic_threshold: float
    semantic_embedding_model: str | None
    version: int
    updated_by: UUID
    updated_at: datetime

    @classmethod
    def of(cls, policy: Policy) -> Self:
        """Show a policy."""
        return cls(**policy.model_dump(exclude={"org_id"}))


class PolicyPage(Model):
    """Some policies: the default one, and then by the ids of projects and keys.

    `next_cursor` asks for the following ones; null at the end.
    """

    data: list[PolicyOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Policy]) -> Self:
        """Show a page."""
        return cls(data=[PolicyOut.of(policy) for policy in page.data], next_cursor=cursor_after(page.last))
