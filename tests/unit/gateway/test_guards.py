"""Guardrails as a gateway holds them: an organization's are made ready once, however many projects it has."""

import gc
from uuid import UUID

from integration.gateway.guards import Guards, guards_of
from integration.gateway.organization import Guardrail, Organization
from integration.guarding.rules import Action, Kind, Rule, Stage
from integration.guarding.screening import Compiled
from llmo_core.ids import new_id

EVERYBODYS = Rule("everybodys", Stage.BOTH, Kind.DENY, Action.MASK, words=("blue moon",))
PROJECTS = tuple(new_id() for _ in range(5))


def own(project_id: UUID) -> Rule:
    return Rule(f"of {project_id}", Stage.INPUT, Kind.DENY, Action.BLOCK, words=(str(project_id),))


def organization() -> Organization:
    of_projects = (Guardrail(str(project_id), own(project_id)) for project_id in PROJECTS)
    return Organization(guardrails=(Guardrail(None, EVERYBODYS), *of_projects))


def known(organization: Organization, project_id: UUID) -> Guards:
    guards = guards_of(organization, project_id)
    assert guards is not None
    return guards


async def test_what_holds_for_all_projects_is_made_ready_once() -> None:
    held = organization()
    looked = [
        await known(held, project_id).look([f"the blue moon of {PROJECTS[0]}"], Stage.INPUT)
        for project_id in (*PROJECTS, new_id())
    ]
    assert [found.blocked for found in looked] == [own(PROJECTS[0]), *[None] * len(PROJECTS)]
    ready = [thing.rule for thing in gc.get_objects() if isinstance(thing, Compiled)]
    assert ready.count(EVERYBODYS) == 1
    assert all(ready.count(own(project_id)) == 1 for project_id in PROJECTS)


async def test_projects_without_guardrails_of_their_own_share_the_organizations() -> None:
    held = organization()
    assert known(held, new_id()) is known(held, new_id())
    assert known(held, PROJECTS[0]) is not known(held, PROJECTS[1])
    assert known(held, PROJECTS[0]).version != known(held, PROJECTS[1]).version


async def test_who_has_none_is_looked_at_by_none() -> None:
    only_one = Organization(guardrails=(Guardrail(str(PROJECTS[0]), own(PROJECTS[0])),))
    assert guards_of(only_one, PROJECTS[1]) is None
    assert guards_of(only_one, PROJECTS[0]) is not None
