"""The guardrails that hold for a project's calls, and asking them about texts.

What looks for patterns is loaded when the first call needs it: most organizations have no guardrails.
"""

import asyncio
import hashlib
import time
from collections.abc import Sequence
from dataclasses import astuple
from functools import cached_property
from typing import TYPE_CHECKING, Final
from uuid import UUID

import orjson

from integration.gateway.organization import Organization
from integration.guarding.rules import Action, Rule, Stage

if TYPE_CHECKING:
    from integration.guarding.screening import Screen, Screened

# So many characters take as long as handing them to another thread does, several times over.
_MOST_INLINE: Final = 20_000
_MOST_REMEMBERED: Final = 1_000


class Guards:
    """Some guardrails.

    Attributes:
        version: Another one for other guardrails; what was looked at under another one was not looked at.
        ending: Whether an answer may be refused or changed once it is known as a whole: none of it may leave before.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self.version = hashlib.blake2b(orjson.dumps([*map(astuple, rules)]), digest_size=16).hexdigest()
        self._stages = {
            stage for stage in (Stage.INPUT, Stage.OUTPUT) if any(rule.stage.covers(stage) for rule in rules)
        }
        self.ending = any(rule.stage.covers(Stage.OUTPUT) and rule.action is not Action.FLAG for rule in rules)

    def covers(self, stage: Stage) -> bool:
        """Whether any of them looks at texts of this stage."""
        return stage in self._stages

    async def look(self, texts: Sequence[str], stage: Stage) -> "Screened":
        """What they find in the texts of one call. Long texts are looked at beside the event loop."""
        if "_screen" in self.__dict__ and sum(map(len, texts)) <= _MOST_INLINE:
            return self._screen.look(texts, stage)
        return await asyncio.to_thread(lambda: self._screen.look(texts, stage))

    @cached_property
    def _screen(self) -> "Screen":
        from integration.guarding.screening import Screen  # noqa: PLC0415 - see the module

        return Screen(self._rules, timer=time.monotonic)


def guards_of(organization: Organization, project_id: UUID) -> Guards | None:
    """The guardrails of the organization and of its project, compiled once for each configuration; None of none."""
    project = str(project_id)
    if project not in organization.guards:
        rules = [entry.rule for entry in organization.guardrails if entry.project_id in {None, project}]
        if len(organization.guards) >= _MOST_REMEMBERED:
            organization.guards.clear()
        organization.guards[project] = Guards(rules) if rules else None
    guards: Guards | None = organization.guards[project]
    return guards
