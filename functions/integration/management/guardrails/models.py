"""Guardrails, and what can go wrong with them."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from integration.guarding.rules import (
    MOST_CHARACTERS_OF_WORDS,
    MOST_GUARDRAILS,
    Action,
    Kind,
    Pii,
    Rule,
    Stage,
    Triggered,
)
from integration.management.models import Configured
from llmo_core.errors import Conflict, Invalid, NotFound
from llmo_core.model import Model
from llmo_messaging.envelope import Event

_NEEDS: Final = {
    Kind.PATTERN: "a `pattern`, and neither `pii` nor `words`",
    Kind.PII: "`pii`, and neither `pattern` nor `words`",
    Kind.DENY: "`words`, and neither `pattern` nor `pii`",
    Kind.ALLOW: "`words` or a `pattern` or both, and no `pii`",
}


class Guardrail(Configured):
    """What is looked for in texts.

    Attributes:
        project_id: In whose calls; None of all projects.
        message: What callers are told when it blocks.
        enabled: Whether the gateway goes by it.
    """

    project_id: UUID | None
    stage: Stage
    kind: Kind
    action: Action
    pattern: str | None
    pii: Sequence[Pii]
    words: Sequence[str]
    message: str
    enabled: bool

    @property
    def characters(self) -> int:
        """How many its words have."""
        return sum(map(len, self.words))

    @property
    def rule(self) -> Rule:
        """The same as gateways go by it."""
        return Rule(
            self.name,
            self.stage,
            self.kind,
            self.action,
            self.pattern,
            tuple(self.pii),
            tuple(self.words),
            self.message,
        )

    def require_sense(self) -> None:
        """Raise UnfittingGuardrail unless it has what its kind needs, and nothing else."""
        given = (self.pattern is not None, bool(self.pii), bool(self.words))
        fits = {
            Kind.PATTERN: given == (True, False, False),
            Kind.PII: given == (False, True, False),
            Kind.DENY: given == (False, False, True),
            Kind.ALLOW: not given[1] and any(given),
        }
        if not fits[self.kind]:
            raise UnfittingGuardrail(f"A guardrail of kind `{self.kind}` has {_NEEDS[self.kind]}.")
        if self.kind is Kind.ALLOW and self.action is Action.MASK:
            raise UnfittingGuardrail("A guardrail of kind `allow` blocks or flags: there is nothing to mask.")


class NewGuardrail(Model):
    """What a guardrail is made of."""

    name: str
    project_id: UUID | None = None
    stage: Stage = Stage.BOTH
    kind: Kind
    action: Action
    pattern: str | None = None
    pii: Sequence[Pii] = ()
    words: Sequence[str] = ()
    message: str = ""
    enabled: bool = True


class GuardrailChanges(Model):
    """What shall be another; what is not set stays."""

    name: str = ""
    stage: Stage = Stage.BOTH
    action: Action = Action.BLOCK
    pattern: str | None = None
    pii: Sequence[Pii] = ()
    words: Sequence[str] = ()
    message: str = ""
    enabled: bool = True


class Verdict(Model):
    """What would become of a text.

    Attributes:
        blocked_by: The guardrail that would end the call.
        message: What the caller would be told then.
        text: With masks in it; as it was given when it is blocked.
    """

    triggered: Sequence[Triggered]
    blocked_by: str | None
    message: str | None
    text: str


class GuardrailCreated(Event, name="llmo.integration.guardrail.created"):
    """What is looked for from now on. Not the pattern or the words, which may be secrets themselves."""

    guardrail_id: UUID
    name: str
    project_id: UUID | None
    stage: Stage
    kind: Kind
    action: Action
    enabled: bool
    created_by: UUID

    @classmethod
    def of(cls, guardrail: Guardrail) -> "GuardrailCreated":
        """Tell of a guardrail."""
        return cls(
            guardrail_id=guardrail.id, **guardrail.model_dump(include=cls.model_fields.keys() - {"guardrail_id"})
        )


class GuardrailChanged(Event, name="llmo.integration.guardrail.changed"):
    """A guardrail is another one; which fields are."""

    guardrail_id: UUID
    name: str
    version: int
    changed: Sequence[str]
    changed_by: UUID

    @classmethod
    def of(cls, guardrail: Guardrail, changed: Sequence[str], by: UUID) -> "GuardrailChanged":
        """Tell of a guardrail's new version."""
        return cls(
            guardrail_id=guardrail.id, name=guardrail.name, version=guardrail.version, changed=changed, changed_by=by
        )


class GuardrailRemoved(Event, name="llmo.integration.guardrail.removed"):
    """A guardrail that looks at nothing any more."""

    guardrail_id: UUID
    name: str
    removed_by: UUID

    @classmethod
    def of(cls, guardrail: Guardrail, by: UUID) -> "GuardrailRemoved":
        """Tell of a guardrail that is gone."""
        return cls(guardrail_id=guardrail.id, name=guardrail.name, removed_by=by)


class UnknownGuardrail(NotFound):
    """The organization has no guardrail with this id."""


class UnfittingGuardrail(Invalid):
    """A guardrail has what its kind needs, and nothing else."""


class GuardrailNameTaken(Conflict):
    """The organization has a guardrail of this name already."""


class TooManyGuardrails(Conflict):
    """The organization has as many guardrails as there may be."""

    def __init__(self) -> None:
        super().__init__(f"An organization has at most {MOST_GUARDRAILS} guardrails, of all projects together.")


class TooManyWords(Conflict):
    """The words of all of the organization's guardrails are too long together."""

    def __init__(self, characters: int) -> None:
        super().__init__(
            f"The words of the organization's guardrails would have {characters:,} characters together, those of "
            f"disabled ones as well; there may be {MOST_CHARACTERS_OF_WORDS:,} characters. Leave some out, or say in a "
            "`pattern` what they have in common."
        )
