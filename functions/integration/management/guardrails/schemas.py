"""Bodies about guardrails."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from integration.guarding.patterns import UnusablePattern, require_usable
from integration.guarding.rules import (
    MOST_PATTERN_CHARACTERS,
    MOST_WORD_CHARACTERS,
    MOST_WORDS,
    Action,
    Kind,
    Pii,
    Stage,
)
from integration.guarding.words import words_pattern
from integration.management.fields import Label
from integration.management.guardrails.models import Guardrail, GuardrailChanges, NewGuardrail, Verdict
from llmo_core.fields import Flag
from llmo_core.model import Model
from llmo_core.paging import Page, cursor_after

_MOST_TESTED = 100_000


def _usable(pattern: str) -> str:
    try:
        require_usable(pattern)
    except UnusablePattern as error:
        raise ValueError(f"no pattern that can be used: {error}") from error
    return pattern


def _findable(words: list[str]) -> list[str]:
    try:
        if words:
            words_pattern(words)
    except UnusablePattern as error:
        raise ValueError("all words together are too long") from error
    return words


type RePattern = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MOST_PATTERN_CHARACTERS, pattern=r"^[^\x00]*$"),
    AfterValidator(_usable),
]
type Word = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MOST_WORD_CHARACTERS, strip_whitespace=True, pattern=r"^[^\x00]*$"),
]
type Words = Annotated[list[Word], Field(max_length=MOST_WORDS), AfterValidator(_findable)]
type Kinds = Annotated[list[Pii], Field(max_length=len(Pii))]
type Message = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00]*$")]

_STAGE = "Which texts it looks at: what callers send, what models answer, or both."
_ACTION = (
    "`block` ends the call with 400 `content_filter`, `mask` puts a name in the place of what was found, `flag` only "
    "notes it. `allow` does not mask."
)
_PATTERN = "A regular expression of RE2: https://github.com/google/re2/wiki/Syntax. It looks at texts as they are."
_PII = "Kinds of personal data, each masked by its name: `[EMAIL]`."
_WORDS = "Words and phrases, found whole and in any case."
_MESSAGE = "What callers are told when it blocks."


class CreateGuardrail(Model):
    """A new guardrail. A `pattern` has one, `pii` and `deny` have lists; `allow` has `words`, a `pattern` or both."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "pii", "kind": "pii", "action": "mask", "stage": "input", "pii": ["email", "credit_card"]},
                {"name": "projects", "kind": "deny", "action": "block", "words": ["Blue Moon"], "message": "Not here."},
            ]
        }
    )

    name: Label = Field(description="Callers are told it in `x-llmo-guardrails`.")
    project_id: UUID | None = Field(None, description="In whose calls; null in everybody's.")
    stage: Stage = Field(Stage.BOTH, description=_STAGE)
    kind: Kind
    action: Action = Field(description=_ACTION)
    pattern: RePattern | None = Field(None, description=_PATTERN)
    pii: Kinds = Field(default_factory=list, description=_PII)
    words: Words = Field(default_factory=list, description=_WORDS)
    message: Message = Field("", description=_MESSAGE)
    enabled: Flag = True

    def wanted(self) -> NewGuardrail:
        """What is asked for."""
        return NewGuardrail.model_validate({name: getattr(self, name) for name in type(self).model_fields})


class ChangeGuardrail(Model):
    """What shall be another; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"action": "flag"}]})

    name: Label = Field(default_factory=str)
    stage: Stage = Field(default_factory=lambda: Stage.BOTH, description=_STAGE)
    action: Action = Field(default_factory=lambda: Action.BLOCK, description=_ACTION)
    pattern: RePattern | None = Field(None, description=_PATTERN)
    pii: Kinds = Field(default_factory=list, description=_PII)
    words: Words = Field(default_factory=list, description=_WORDS)
    message: Message = Field(default_factory=str, description=_MESSAGE)
    enabled: Flag = Field(default_factory=bool)

    def wanted(self) -> GuardrailChanges:
        """What is asked for."""
        return GuardrailChanges.model_validate(self.model_dump(exclude_unset=True))


class GuardrailOut(Model):
    """What is looked for in texts, and what is done about it; `project_id` is null for all projects."""

    id: UUID
    name: str
    project_id: UUID | None
    stage: Stage
    kind: Kind
    action: Action
    pattern: str | None
    pii: Sequence[Pii]
    words: Sequence[str]
    message: str
    enabled: bool
    version: int
    created_by: UUID
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, guardrail: Guardrail) -> Self:
        """Show a guardrail."""
        return cls(**guardrail.model_dump(exclude={"org_id"}))


class GuardrailPage(Model):
    """Some guardrails, the newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[GuardrailOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Guardrail]) -> Self:
        """Show a page."""
        return cls(data=[GuardrailOut.of(guardrail) for guardrail in page.data], next_cursor=cursor_after(page.last))


class TestText(Model):
    """A text, as a call would carry it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "Mail ada@example.org", "stage": "input"}]})

    text: Annotated[str, StringConstraints(max_length=_MOST_TESTED)]
    stage: Literal[Stage.INPUT, Stage.OUTPUT] = Field(Stage.INPUT, description="Whether it is sent or answered.")
    project_id: UUID | None = Field(None, description="Whose call; null of a project without guardrails of its own.")


class TriggeredOut(Model):
    """A guardrail that found something, and what it would do."""

    name: str
    stage: Stage
    action: Action


class VerdictOut(Model):
    """What would become of the text; `blocked_by` and `message` are null when it passes."""

    triggered: list[TriggeredOut]
    blocked_by: str | None
    message: str | None
    text: str

    @classmethod
    def of(cls, verdict: Verdict) -> Self:
        """Show a verdict."""
        triggered = [
            TriggeredOut(name=found.name, stage=found.stage, action=found.action) for found in verdict.triggered
        ]
        return cls(triggered=triggered, blocked_by=verdict.blocked_by, message=verdict.message, text=verdict.text)
