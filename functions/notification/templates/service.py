"""What one can do with templates."""

from collections.abc import Collection, Sequence
from uuid import UUID

from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_core.model import Model
from llmo_core.paging import Page
from llmo_data.ports import Events, Transaction
from notification.kinds.catalogue import KINDS
from notification.kinds.models import Channel, Kind
from notification.templates.events import TemplateCreated, TemplatePublished, TemplateRemoved, about
from notification.templates.models import (
    MOST_TEMPLATES,
    MOST_VERSIONS,
    NothingToPublish,
    Template,
    TemplateExists,
    TooManyTemplates,
    TooManyVersions,
    UnknownTemplate,
    UnknownVersion,
    Version,
    Wording,
)
from notification.templates.ports import KeptTemplates, TemplateStore, Versions
from notification.templates.resolving import own_kinds
from notification.templates.wordings import require_customizable, require_fitting, require_renderable


class NewTemplate(Model):
    """What a template is made of; its wording is a draft."""

    kind: str
    channel: Channel
    locale: str
    description: str
    wording: Wording


class Sought(Model):
    """Which templates of a list."""

    kind: str | None = None
    channel: Channel | None = None
    locale: str | None = None


class TemplateService:
    """Makes, shows, changes, publishes and removes an organization's templates.

    Versions are numbered without gaps and never change; which of them is sent, is the template's `published`. So a
    rollback is quick, and what was sent when can be told.
    """

    def __init__(
        self,
        *,
        templates: KeptTemplates,
        versions: Versions,
        store: TemplateStore,
        events: Events,
        transaction: Transaction,
        app_url: str,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._templates = templates
        self._versions = versions
        self._store = store
        self._events = events
        self._transaction = transaction
        self._app_url = app_url
        self._clock = clock
        self._new_id = new_id

    async def page(self, principal: Principal, sought: Sought, *, before: UUID | None, limit: int) -> Page[Template]:
        """The organization's templates, the newest first."""
        found = await self._templates.page(principal.org_id, **dict(sought), before=before, limit=limit + 1)
        return Page.of(found, limit)

    async def kinds(self, principal: Principal) -> Sequence[Kind]:
        """The platform's kinds, and those of the organization that it has published something of."""
        return [*KINDS.values(), *own_kinds(await self._store.own_kinds(principal.org_id))]

    async def find(self, principal: Principal, template_id: UUID) -> Template:
        """A template. Raises UnknownTemplate."""
        return _known(await self._templates.find(principal.org_id, template_id))

    async def create(self, principal: Principal, new: NewTemplate) -> Template:
        """Make a template, which is not sent before it is published.

        Raises NoSuchKind, NotYours, UnfittingWording, TooManyTemplates, TemplateExists.
        """
        require_customizable(new.kind, new.channel)
        require_fitting(new.kind, new.channel, new.wording)
        now, org_id = self._clock.now(), principal.org_id
        template = Template(
            **dict(new.model_copy(update={"wording": None}).model_dump(exclude={"wording"})),
            draft=new.wording,
            id=self._new_id(),
            org_id=org_id,
            created_by=principal.actor_id,
            created_at=now,
            updated_at=now,
        )
        async with self._transaction(org_id):
            if await self._templates.count(org_id) >= MOST_TEMPLATES:
                raise TooManyTemplates
            if await self._templates.taken(org_id, new.kind, new.channel, new.locale):
                raise TemplateExists
            await self._templates.add(template)
            created = TemplateCreated.model_validate(about(template, principal.actor_id))
            await self._events.announce(created, org_id=org_id, aggregate_id=template.id)
        return template

    async def draft(
        self, principal: Principal, template_id: UUID, wording: Wording, *, expected: Collection[int] | None
    ) -> Template:
        """Say something else in the draft. Safe to repeat without an expected revision.

        Raises UnknownTemplate, ChangedMeanwhile, UnfittingWording.
        """
        async with self._transaction(principal.org_id):
            before = await self._locked(principal, template_id, expected)
            require_fitting(before.kind, before.channel, wording)
            if wording == before.draft:
                return before
            after = before.changed(self._clock.now(), draft=wording)
            await self._templates.change(after)
        return after

    async def publish(
        self, principal: Principal, template_id: UUID, note: str, *, expected: Collection[int] | None
    ) -> Template:
        """Make the draft the next version, and send that from now on, within seconds.

        Not safe to retry: the draft is gone then. Raises UnknownTemplate, ChangedMeanwhile, NothingToPublish,
        TooManyVersions, and FlawedTemplate for what cannot be rendered with its own examples.
        """
        template = await self.find(principal, template_id)
        if template.draft is not None:  # outside the transaction: it may take a while
            self._require_renderable(template, template.draft)
        async with self._transaction(principal.org_id):
            before = await self._locked(principal, template_id, expected)
            if before.draft is None:
                raise NothingToPublish
            if before.draft != template.draft:
                self._require_renderable(before, before.draft)
            if before.newest >= MOST_VERSIONS:
                raise TooManyVersions
            now, number = self._clock.now(), before.newest + 1
            version = Version(
                id=self._new_id(),
                org_id=before.org_id,
                template_id=before.id,
                number=number,
                wording=before.draft,
                note=note,
                created_by=principal.actor_id,
                created_at=now,
            )
            await self._versions.add(version)
            after = before.changed(now, draft=None, published=number, newest=number)
            await self._publish(after, before, principal)
        return after

    async def roll_back(
        self, principal: Principal, template_id: UUID, number: int, *, expected: Collection[int] | None
    ) -> Template:
        """Send another version again. Safe to repeat without an expected revision.

        Raises UnknownTemplate, UnknownVersion, ChangedMeanwhile, and FlawedTemplate where templates may not have any
        more what that version has.
        """
        async with self._transaction(principal.org_id):
            before = await self._locked(principal, template_id, expected)
            version = await self._version(before, number)
            if before.published == number:
                return before
            self._require_renderable(before, version.wording)
            after = before.changed(self._clock.now(), published=number)
            await self._publish(after, before, principal)
        return after

    async def remove(self, principal: Principal, template_id: UUID, *, expected: Collection[int] | None) -> None:
        """Remove a template: what is shipped is sent again. Raises UnknownTemplate, ChangedMeanwhile."""
        async with self._transaction(principal.org_id):
            before = await self._locked(principal, template_id, expected)
            await self._templates.remove(before.changed(self._clock.now()))
            removed = TemplateRemoved.model_validate(about(before, principal.actor_id))
            await self._events.announce(removed, org_id=before.org_id, aggregate_id=before.id)

    async def versions(
        self, principal: Principal, template_id: UUID, *, before: UUID | None, limit: int
    ) -> Page[Version]:
        """A template's versions, the newest first. Raises UnknownTemplate."""
        template = await self.find(principal, template_id)
        return Page.of(await self._versions.page(template, before=before, limit=limit + 1), limit)

    async def version(self, principal: Principal, template_id: UUID, number: int) -> Version:
        """A template's version. Raises UnknownTemplate, UnknownVersion."""
        return await self._version(await self.find(principal, template_id), number)

    async def _locked(self, principal: Principal, template_id: UUID, expected: Collection[int] | None) -> Template:
        found = _known(await self._templates.locked(principal.org_id, template_id))
        found.require_revision(expected)
        return found

    async def _version(self, template: Template, number: int) -> Version:
        found = await self._versions.find(template, number)
        if found is None:
            raise UnknownVersion
        return found

    async def _publish(self, after: Template, before: Template, principal: Principal) -> None:
        await self._templates.change(after)
        told = about(after, principal.actor_id) | {"version": after.published, "previous": before.published}
        published = TemplatePublished.model_validate(told)
        await self._events.announce(published, org_id=after.org_id, aggregate_id=after.id)

    def _require_renderable(self, template: Template, wording: Wording) -> None:
        require_renderable(template.kind, template.channel, template.locale, wording, app_url=self._app_url)


def _known(template: Template | None) -> Template:
    if template is None:
        raise UnknownTemplate
    return template
