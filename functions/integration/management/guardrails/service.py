"""What one can do with guardrails."""

from collections.abc import Callable, Sequence
from typing import override
from uuid import UUID

from integration.guarding.rules import MOST_CHARACTERS_OF_WORDS, MOST_GUARDRAILS, Stage
from integration.guarding.screening import Screen
from integration.management.configuring import Configuring, Guard, Kind
from integration.management.guardrails.models import (
    Guardrail,
    GuardrailChanged,
    GuardrailCreated,
    GuardrailNameTaken,
    GuardrailRemoved,
    TooManyGuardrails,
    TooManyWords,
    UnknownGuardrail,
    Verdict,
)
from integration.management.guardrails.ports import Guardrails
from llmo_auth.principal import Principal

type GuardrailService = Configuring[Guardrail]
"""Sets up, shows, changes and removes guardrails; `create` and `change` raise UnfittingGuardrail and
GuardrailNameTaken and TooManyWords, `create` TooManyGuardrails."""

GUARDRAILS = Kind(
    model=Guardrail,
    unknown=UnknownGuardrail,
    created=GuardrailCreated.of,
    changed=GuardrailChanged.of,
    removed=GuardrailRemoved.of,
    check=Guardrail.require_sense,
)


class GuardrailGuard(Guard[Guardrail]):
    """A guardrail has a name of its own, and there are not too many, nor too many words."""

    def __init__(self, guardrails: Guardrails) -> None:
        self._guardrails = guardrails

    @override
    async def adding(self, thing: Guardrail) -> None:
        others = await self._guardrails.all(thing.org_id)
        if len(others) >= MOST_GUARDRAILS:
            raise TooManyGuardrails
        _require_free(thing, others)
        _require_short(thing, others)

    @override
    async def changing(self, before: Guardrail, after: Guardrail) -> None:
        others = [other for other in await self._guardrails.all(after.org_id) if other.id != after.id]
        _require_free(after, others)
        if after.characters > before.characters:
            _require_short(after, others)


def _require_free(guardrail: Guardrail, others: Sequence[Guardrail]) -> None:
    if any(other.name == guardrail.name for other in others):
        raise GuardrailNameTaken


def _require_short(guardrail: Guardrail, others: Sequence[Guardrail]) -> None:
    characters = guardrail.characters + sum(other.characters for other in others)
    if characters > MOST_CHARACTERS_OF_WORDS:
        raise TooManyWords(characters)


class TestingGuardrails:
    """Tells what guardrails would do.

    Args:
        timer: Seconds of any clock.
    """

    def __init__(self, guardrails: Guardrails, *, timer: Callable[[], float]) -> None:
        self._guardrails = guardrails
        self._timer = timer

    async def test(self, principal: Principal, text: str, stage: Stage, project_id: UUID | None) -> Verdict:
        """What would become of a text in a call of a project; None is one without guardrails of its own.

        Nobody else is asked, and nothing is kept.
        """
        holding = [
            guardrail.rule
            for guardrail in await self._guardrails.all(principal.org_id)
            if guardrail.enabled and guardrail.project_id in {None, project_id}
        ]
        screened = Screen(holding, timer=self._timer).look([text], stage)
        return Verdict(
            triggered=screened.triggered,
            blocked_by=screened.blocked.name if screened.blocked else None,
            message=screened.blocked.message if screened.blocked else None,
            text=screened.texts[0],
        )
