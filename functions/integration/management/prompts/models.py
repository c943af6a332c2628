"""Prompts and their versions, and what can go wrong with them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from integration import templates
from integration.management.models import Configured
from llmo_core.errors import Conflict, Invalid, NotFound
from llmo_core.model import Model
from llmo_messaging.envelope import Event

MOST_LABELS = 20
MOST_PROMPTS = 1_000  # each gateway that serves the organization has all of their names
MOST_VERSIONS = 1_000


class Prompt(Configured):
    """A name that calls are made from.

    Attributes:
        newest: The number of the last version; 0 before there is one.
        labels: Which versions are called what: a call gets `production` when it names none.
    """

    description: str
    newest: int = 0
    labels: Mapping[str, int] = {}

    def require_labelled(self) -> None:
        """Raise UnknownVersion when a label is on a version that there is not, and TooManyLabels for too many."""
        if len(self.labels) > MOST_LABELS:
            raise TooManyLabels
        for label, number in self.labels.items():
            if not 1 <= number <= self.newest:
                raise UnknownVersion(f"The label `{label}` is on version {number}; the newest one is {self.newest}.")


class NewPrompt(Model):
    """What a prompt is made of."""

    name: str
    description: str


class PromptChanges(Model):
    """What shall be another; what is not set stays."""

    name: str = ""
    description: str = ""
    labels: Mapping[str, int] = {}


class Version(Model):
    """What a prompt says.

    Attributes:
        messages: As a chat completion has them, with `{{ names }}` in their texts.
        defaults: Fields of calls that do not set them, such as `model` and `temperature`.
        note: For people.
    """

    id: UUID
    org_id: UUID
    prompt_id: UUID
    number: int
    messages: Sequence[Mapping[str, Any]]
    defaults: Mapping[str, Any]
    note: str
    created_by: UUID
    created_at: datetime

    @property
    def variables(self) -> Sequence[str]:
        """What a call has to give values for."""
        return sorted(templates.names(self.messages))


class NewVersion(Model):
    """What a version is made of; it gets the labels."""

    messages: Sequence[Mapping[str, Any]]
    defaults: Mapping[str, Any]
    note: str
    labels: Sequence[str]


class PromptCreated(Event, name="llmo.integration.prompt.created"):
    """A name that calls can be made from, once it has a version."""

    prompt_id: UUID
    name: str
    created_by: UUID

    @classmethod
    def of(cls, prompt: Prompt) -> "PromptCreated":
        """Tell of a prompt."""
        return cls(prompt_id=prompt.id, name=prompt.name, created_by=prompt.created_by)


class PromptChanged(Event, name="llmo.integration.prompt.changed"):
    """A prompt has other labels, another version, name or description; which fields are others."""

    prompt_id: UUID
    name: str
    newest: int
    labels: Mapping[str, int]
    version: int
    changed: Sequence[str]
    changed_by: UUID

    @classmethod
    def of(cls, prompt: Prompt, changed: Sequence[str], by: UUID) -> "PromptChanged":
        """Tell of what a prompt is now."""
        shown = prompt.model_dump(include={"name", "newest", "labels", "version"})
        return cls(prompt_id=prompt.id, **shown, changed=changed, changed_by=by)


class PromptRemoved(Event, name="llmo.integration.prompt.removed"):
    """A prompt that no call is made from any more."""

    prompt_id: UUID
    name: str
    removed_by: UUID

    @classmethod
    def of(cls, prompt: Prompt, by: UUID) -> "PromptRemoved":
        """Tell of a prompt that is gone."""
        return cls(prompt_id=prompt.id, name=prompt.name, removed_by=by)


class UnknownPrompt(NotFound):
    """The organization has no prompt with this id."""


class UnknownVersion(NotFound):
    """The prompt has no such version."""


class TooManyLabels(Invalid):
    """A prompt has at most twenty labels: take some off before you put others on."""


class TooManyPrompts(Conflict):
    """The organization has as many prompts as there may be."""

    def __init__(self) -> None:
        super().__init__(f"An organization has at most {MOST_PROMPTS:,} prompts: remove those that no call names.")


class TooManyVersions(Conflict):
    """The prompt has as many versions as there may be."""

    def __init__(self) -> None:
        super().__init__(f"A prompt has at most {MOST_VERSIONS:,} versions: go on with a new prompt.")


class PromptNameTaken(Conflict):
    """The organization has a prompt of this name already."""


class NotRendered(Invalid):
    """The values are not those that the prompt needs."""
