"""Bodies about prompts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

import orjson
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from integration.management.fields import Label
from integration.management.prompts.models import MOST_LABELS, NewPrompt, NewVersion, Prompt, PromptChanges, Version
from integration.templates import Value
from llmo_core.model import Model
from llmo_core.paging import Page, cursor_after

_MOST_MESSAGES = 100
_MOST_BYTES = 65_536
_MOST_DEFAULTS_BYTES = 16_384
_THE_CALLS_OWN = frozenset({"messages", "input", "prompt", "stream", "stream_options", "user"})


def _require_storable(value: object, most: int) -> None:
    """Raise ValueError for what is too large, or what PostgreSQL's jsonb does not hold."""
    try:
        text = orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise ValueError(f"this cannot be written as JSON: {error}") from error
    if len(text) > most:
        raise ValueError(f"more than {most} bytes as JSON")
    if b"\\u0000" in text:
        raise ValueError("a NUL character is no text")


def _of_no_call(defaults: dict[str, Any]) -> dict[str, Any]:
    if own := sorted(defaults.keys() & _THE_CALLS_OWN):
        raise ValueError(f"each call says this itself: {', '.join(own)}")
    _require_storable(defaults, _MOST_DEFAULTS_BYTES)
    return defaults


type VersionLabel = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9._-]{0,62}$")]
type Description = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00]*$")]
type Labels = Annotated[
    dict[VersionLabel, Annotated[int, Field(ge=1, le=2_147_483_647)]], Field(max_length=MOST_LABELS)
]
type Defaults = Annotated[dict[str, Any], AfterValidator(_of_no_call)]


class TextPart(Model):
    """A text in a message that has several parts."""

    type: Literal["text"]
    text: str


class MessageIn(Model):
    """A message; its texts can have `{{ names }}` in them."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | Annotated[list[TextPart], Field(min_length=1, max_length=_MOST_MESSAGES)]


def _bounded(messages: list[MessageIn]) -> list[MessageIn]:
    _require_storable([message.model_dump() for message in messages], _MOST_BYTES)
    return messages


type Messages = Annotated[list[MessageIn], Field(min_length=1, max_length=_MOST_MESSAGES), AfterValidator(_bounded)]


class CreatePrompt(Model):
    """A name that calls can be made from."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "support", "description": "For customers"}]})

    name: Label
    description: Description = ""

    def wanted(self) -> NewPrompt:
        """What is asked for."""
        return NewPrompt(name=self.name, description=self.description)


class ChangePrompt(Model):
    """What shall be another. `labels` are all that there are then."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"labels": {"production": 2, "staging": 3}}]})

    name: Label = Field("", description="Calls have to name it so from then on.", validate_default=False)
    description: Description = ""
    labels: Labels = Field(default_factory=dict, description="Which versions are called what.")

    def wanted(self) -> PromptChanges:
        """What is asked for."""
        return PromptChanges.model_validate(self.model_dump(exclude_unset=True))


class CreateVersion(Model):
    """What a prompt says from now on to calls that ask for this version."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "messages": [
                        {"role": "system", "content": "You answer questions about {{ product }}."},
                        {"role": "user", "content": "{{ question }}"},
                    ],
                    "defaults": {"model": "gpt-4o-mini", "temperature": 0},
                    "labels": ["staging"],
                }
            ]
        }
    )

    messages: Messages
    defaults: Defaults = Field(
        default_factory=dict, description="Fields of calls that do not set them, such as `model` and `temperature`."
    )
    note: Description = ""
    labels: Annotated[list[VersionLabel], Field(max_length=MOST_LABELS)] = Field(
        default_factory=list, description="Labels that are on this version then."
    )

    def wanted(self) -> NewVersion:
        """What is asked for."""
        return NewVersion.model_validate(self.model_dump())


class RenderPrompt(Model):
    """Which version with which values."""

    version: int | str | None = Field(None, description="A number or a label; null is `production`, else the newest.")
    variables: dict[str, Value] = Field(default_factory=dict)


class PromptOut(Model):
    """A prompt. `newest` is the number of its last version; 0 before there is one."""

    id: UUID
    name: str
    description: str
    newest: int
    labels: Mapping[str, int]
    version: int
    created_by: UUID
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, prompt: Prompt) -> Self:
        """Show a prompt."""
        return cls(**prompt.model_dump(exclude={"org_id"}))


class PromptPage(Model):
    """Some prompts, the newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[PromptOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Prompt]) -> Self:
        """Show a page."""
        return cls(data=[PromptOut.of(prompt) for prompt in page.data], next_cursor=cursor_after(page.last))


class VersionOut(Model):
    """A version of a prompt; `variables` are what a call has to give values for."""

    prompt_id: UUID
    number: int
    messages: Sequence[Mapping[str, Any]]
    defaults: Mapping[str, Any]
    variables: Sequence[str]
    note: str
    created_by: UUID
    created_at: datetime

    @classmethod
    def of(cls, version: Version) -> Self:
        """Show a version."""
        return cls(**version.model_dump(exclude={"id", "org_id"}), variables=version.variables)


class VersionPage(Model):
    """Some versions, the newest first. `next_cursor` asks for the following ones; null at the end."""

    data: list[VersionOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Version]) -> Self:
        """Show a page."""
        return cls(data=[VersionOut.of(version) for version in page.data], next_cursor=cursor_after(page.last))


class Rendered(Model):
    """What a call that is made from a prompt has."""

    number: int
    messages: Sequence[Mapping[str, Any]]
    defaults: Mapping[str, Any]
