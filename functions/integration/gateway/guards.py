"""The guardrails that hold for a project's calls, and asking them about texts.

What looks for patterns is loaded when the first call needs it: most organizations have no guardrails.
"""

import asyncio
import hashlib
import time
from collections.abc import Sequence
from dataclasses import astuple
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Final
from uuid import UUID

import orjson

from integration.gateway.organization import Organization
from integration.guarding.rules import Action, Rule, Stage

if TYPE_CHECKING:
    from integration.guarding.screening import Compiled, Screen, Screened

# So many characters take as long as handing them to another thread does, several times over.
_MOST_INLINE: Final = 20_000
_EVERYBODYS: Final = ""


class Workshop:
    """Makes an organization's guardrails ready to look, each one once for all projects."""

    def __init__(self) -> None:
        self._making = Lock()  # calls that come first come together, each in a thread of its own
        self._made: dict[Rule, Compiled] = {}

    def screen(self, rules: Sequence[Rule]) -> "Screen":
        """Some of them, ready to look."""
        from integration.guarding.screening import Screen  # noqa: PLC0415 - see the module

        with self._making:
            return Screen(rules, timer=time.monotonic, ready=self._ready)

    def _ready(self, rule: Rule) -> "Compiled":
        from integration.guarding.screening import Compiled  # noqa: PLC0415 - see the module

        made = self._made.get(rule)
        if made is None:
            made = self._made[rule] = Compiled(rule)
        return made


class Guards:
    """Some guardrails.

    Attributes:
        version: Another one for other guardrails; what was looked at under another one was not looked at.
        ending: Whether an answer may be refused or changed once it is known as a whole: none of it may leave before.

    Args:
        workshop: Their organization's.
    """

    def __init__(self, rules: Sequence[Rule], workshop: Workshop) -> None:
        self._rules = rules
        self._workshop = workshop
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
        return self._workshop.screen(self._rules)


def guards_of(organization: Organization, project_id: UUID) -> Guards | None:
    """The guardrails of the organization and of its project, made once for each configuration; None of none.

    Projects without guardrails of their own have the organization's, the same for all of them.
    """
    project = str(project_id)
    whose = project if any(entry.project_id == project for entry in organization.guardrails) else _EVERYBODYS
    if whose not in organization.guards:
        rules = [entry.rule for entry in organization.guardrails if entry.project_id in {None, project}]
        workshop = organization.guards.setdefault(Workshop, Workshop())
        organization.guards[whose] = Guards(rules, workshop) if rules else None
    guards: Guards | None = organization.guards[whose]
    return guards
