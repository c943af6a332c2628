"""What one can do with prompts."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, override
from uuid import UUID

from integration import templates
from integration.management.configuring import Configuring, Guard, Kind
from integration.management.ports import Change
from integration.management.prompts.models import (
    MOST_PROMPTS,
    MOST_VERSIONS,
    NewVersion,
    NotRendered,
    Prompt,
    PromptChanged,
    PromptCreated,
    PromptNameTaken,
    PromptRemoved,
    TooManyPrompts,
    TooManyVersions,
    UnknownPrompt,
    UnknownVersion,
    Version,
)
from integration.management.prompts.ports import Prompts, Versions
from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_core.paging import Page
from llmo_data.ports import Events

PROMPTS = Kind(
    model=Prompt,
    unknown=UnknownPrompt,
    created=PromptCreated.of,
    changed=PromptChanged.of,
    removed=PromptRemoved.of,
    check=Prompt.require_labelled,
)

type PromptService = Configuring[Prompt]
"""Sets up, shows, changes and removes prompts; `create` and `change` raise PromptNameTaken and UnknownVersion,
`create` TooManyPrompts."""


class PromptGuard(Guard[Prompt]):
    """A prompt has a name of its own, and there are not too many."""

    def __init__(self, prompts: Prompts) -> None:
        self._prompts = prompts

    @override
    async def adding(self, thing: Prompt) -> None:
        if await self._prompts.count(thing.org_id) >= MOST_PROMPTS:
            raise TooManyPrompts
        await self._require_free(thing)

    @override
    async def changing(self, before: Prompt, after: Prompt) -> None:
        if after.name != before.name:
            await self._require_free(after)

    async def _require_free(self, prompt: Prompt) -> None:
        if await self._prompts.taken(prompt.org_id, prompt.name):
            raise PromptNameTaken


class VersionService:
    """Adds, shows and renders versions of prompts."""

    def __init__(
        self, *, prompts: Prompts, versions: Versions, events: Events, change: Change, clock: Clock, new_id: NewId
    ) -> None:
        self._prompts = prompts
        self._versions = versions
        self._events = events
        self._change = change
        self._clock = clock
        self._new_id = new_id

    async def page(self, principal: Principal, prompt_id: UUID, *, before: UUID | None, limit: int) -> Page[Version]:
        """A prompt's versions, the newest first. Raises UnknownPrompt."""
        prompt = await self._prompt(principal, prompt_id)
        return Page.of(await self._versions.page(prompt, before=before, limit=limit + 1), limit)

    async def find(self, principal: Principal, prompt_id: UUID, number: int) -> Version:
        """A prompt's version. Raises UnknownPrompt, UnknownVersion."""
        return await self._version(await self._prompt(principal, prompt_id), number)

    async def add(
        self, principal: Principal, prompt_id: UUID, new: NewVersion, *, expected: Collection[int] | None
    ) -> Version:
        """Add the next version, and put labels on it, if the prompt has one of the expected versions.

        Not safe to retry: there would be two. Raises UnknownPrompt, ChangedMeanwhile, TooManyLabels,
        TooManyVersions.
        """
        async with self._change(principal.org_id):
            before = await self._prompt(principal, prompt_id)
            before.require_version(expected)
            if before.newest >= MOST_VERSIONS:
                raise TooManyVersions
            now, number = self._clock.now(), before.newest + 1
            labels = {**before.labels, **dict.fromkeys(new.labels, number)}
            after = before.changed(now, newest=number, labels=labels)
            after.require_labelled()
            version = Version(
                **new.model_dump(exclude={"labels"}),
                id=self._new_id(),
                org_id=principal.org_id,
                prompt_id=prompt_id,
                number=number,
                created_by=principal.actor_id,
                created_at=now,
            )
            await self._versions.add(version)
            await self._prompts.change(after)
            fields = ["labels", "newest"] if new.labels else ["newest"]
            changed = PromptChanged.of(after, fields, principal.actor_id)
            await self._events.announce(changed, org_id=after.org_id, aggregate_id=prompt_id)
        return version

    async def rendered(
        self, principal: Principal, prompt_id: UUID, which: int | str | None, values: Mapping[str, templates.Value]
    ) -> tuple[Version, Sequence[Mapping[str, Any]]]:
        """A version, and its messages with these values. Nobody is asked. Raises UnknownPrompt, NotRendered."""
        prompt = await self._prompt(principal, prompt_id)
        try:
            version = await self._version(prompt, templates.chosen(which, prompt.labels, prompt.newest))
            return version, templates.rendered(version.messages, values)
        except templates.TemplateError as error:
            raise NotRendered(str(error)) from error

    async def _prompt(self, principal: Principal, prompt_id: UUID) -> Prompt:
        found = await self._prompts.find(principal.org_id, prompt_id)
        if found is None:
            raise UnknownPrompt
        return found

    async def _version(self, prompt: Prompt, number: int) -> Version:
        found = await self._versions.find(prompt, number) if 1 <= number <= prompt.newest else None
        if found is None:
            raise UnknownVersion
        return found
