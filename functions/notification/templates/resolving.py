"""Which template a message is made of, and what comes of it."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from pydantic import TypeAdapter

from llmo_core.clock import Clock
from notification.contents import Content, EmailContent, InAppContent, PushContent, SmsContent
from notification.kinds.catalogue import KINDS
from notification.kinds.models import Category, Channel, Kind
from notification.templates import shipped
from notification.templates.language import Parsed
from notification.templates.models import (
    LAYOUT,
    TEST,
    Flaw,
    FlawedTemplate,
    NoSuchKind,
    NoTemplate,
    Published,
    Rendered,
    RenderFacts,
    Unrenderable,
    Wording,
)
from notification.templates.ports import TemplateStore
from notification.templates.rendering import Said
from notification.templates.wordings import customizable, given, is_own, prepared, shown, standard

KEPT_FOR: Final = timedelta(seconds=5)
"""How long a process goes on with what was published when it last looked."""

_MOST_KEPT: Final = 1_000
_CONTENTS: Final[Mapping[Channel, TypeAdapter[Content]]] = {
    Channel.EMAIL: TypeAdapter(EmailContent),
    Channel.SMS: TypeAdapter(SmsContent),
    Channel.PUSH: TypeAdapter(PushContent),
    Channel.IN_APP: TypeAdapter(InAppContent),
}


@dataclass(frozen=True, slots=True)
class _Ready:
    """A published template: what can be rendered of it, or why nothing can."""

    published: Published
    said: Said | FlawedTemplate

    def usable(self) -> Said:
        if isinstance(self.said, FlawedTemplate):
            raise Unrenderable(self.said.flaws[0]) from self.said
        return self.said


class Templates:
    """Renders messages: of the organization's own template where it has one, else of what is shipped.

    Args:
        app_url: The address of the application, which links lead to.
    """

    def __init__(self, *, store: TemplateStore, app_url: str, clock: Clock) -> None:
        self._store = store
        self._app_url = app_url
        self._clock = clock
        self._kept: OrderedDict[tuple[UUID, str, Channel], tuple[datetime, Mapping[str, _Ready]]] = OrderedDict()
        self._compiled: OrderedDict[tuple[UUID, int], _Ready] = OrderedDict()

    async def render(self, facts: RenderFacts) -> Rendered:
        """What is sent. Safe to repeat.

        The language is the recipient's, else what the organization speaks, else English. An organization's own
        template that cannot be rendered with these variables is replaced by what is shipped, and `instead_of` says
        why. Raises Unrenderable where nothing is shipped, or that cannot be rendered either; NoTemplate, which is one,
        for an own kind that nothing is published of; and DatabaseUnavailable.
        """
        if facts.kind == TEST:
            return Rendered(content=tested(facts), locale=facts.locale)
        wanted = languages(facts.locale, facts.organization_locale)
        org_id = facts.org_id if customizable(facts.kind) else None
        own = await self._own(org_id, facts.kind, facts.channel, wanted)
        layout = await self._layout(org_id, facts.channel, wanted)
        if own is None and is_own(facts.kind):
            raise NoTemplate(Flaw("", None, f"nothing is published of `{facts.kind}` for {facts.channel}"))
        reason = None
        if own is not None:
            published = own.published
            try:
                content, reason = self._in(layout, own.usable(), _complete(facts, published.wording))
            except Unrenderable as error:
                if is_own(facts.kind):
                    raise
                reason = error.reason
            else:
                return Rendered(
                    content=content,
                    template_id=published.template_id,
                    version=published.version,
                    locale=published.locale,
                    instead_of=reason,
                )
        if facts.kind not in KINDS:
            raise Unrenderable(Flaw("", None, f"there is no kind of notification `{facts.kind}`"))
        facts = _complete(facts, None)
        said = standard(facts, shipped.locale_of(wanted))
        content, of_layout = self._in(layout, said, facts)
        return Rendered(content=content, locale=said.locale, instead_of=reason or of_layout)

    async def layout(self, org_id: UUID, channel: Channel, locale: str) -> Parsed | None:
        """What the organization has put around its mails; None where that is what is shipped."""
        ready = await self._layout(org_id, channel, languages(locale, locale))
        return ready.said.parts["html"] if ready is not None and isinstance(ready.said, Said) else None

    async def own_kind(self, org_id: UUID, name: str) -> Kind:
        """One of the organization's own kinds, of which something is published. Raises NoSuchKind."""
        for kind in own_kinds(await self._store.own_kinds(org_id)):
            if kind.name == name:
                return kind
        raise NoSuchKind(f"Nothing is published of `{name}`.")

    def _in(self, layout: _Ready | None, said: Said, facts: RenderFacts) -> tuple[Content, str | None]:
        """The content, in the organization's layout if that can be rendered; and why not, if not."""
        reason = None
        if layout is not None:
            try:
                return self._shown(said, facts, layout.usable().parts["html"]), None
            except Unrenderable as error:
                reason = error.reason
        return self._shown(said, facts, None), reason

    def _shown(self, said: Said, facts: RenderFacts, layout: Parsed | None) -> Content:
        return shown(said, facts, app_url=self._app_url, now=self._clock.now(), layout=layout)

    async def _layout(self, org_id: UUID | None, channel: Channel, wanted: Sequence[str]) -> _Ready | None:
        return await self._own(org_id, LAYOUT, channel, wanted) if channel is Channel.EMAIL else None

    async def _own(self, org_id: UUID | None, kind: str, channel: Channel, wanted: Sequence[str]) -> _Ready | None:
        if org_id is None:
            return None
        now, key = self._clock.now(), (org_id, kind, channel)
        until, found = self._kept.get(key, (now, {}))
        if until <= now:
            published = await self._store.published(org_id, kind, channel)
            found = {each.locale: self._ready(each, channel) for each in published}
            self._kept[key] = (now + KEPT_FOR, found)
            self._kept.move_to_end(key)
            _shorten(self._kept)
        return next((found[locale] for locale in wanted if locale in found), None)

    def _ready(self, published: Published, channel: Channel) -> _Ready:
        key = published.template_id, published.version
        if key not in self._compiled:
            said: Said | FlawedTemplate
            try:
                said = prepared(published.kind, channel, published.locale, published.wording)
            except FlawedTemplate as error:  # published before the language refused it
                said = error
            self._compiled[key] = _Ready(published, said)
            _shorten(self._compiled)
        self._compiled.move_to_end(key)
        return self._compiled[key]


def languages(locale: str, organization_locale: str) -> Sequence[str]:
    """The languages in which something may be said, the best first."""
    tags = [tag.replace("_", "-") for tag in (locale, organization_locale)]
    return [*dict.fromkeys(each for tag in tags for each in (tag, tag.partition("-")[0])), "en"]


def tested(facts: RenderFacts) -> Content:
    """What a test says: what was rendered when somebody asked for it. Raises Unrenderable."""
    try:
        return _CONTENTS[facts.channel].validate_python(facts.variables.get("content"))
    except ValueError as error:
        raise Unrenderable(Flaw("content", None, "this is no test of such a channel")) from error


def _complete(facts: RenderFacts, wording: Wording | None) -> RenderFacts:
    return facts.model_copy(update={"variables": given(facts.kind, wording, facts.variables)})


def own_kinds(published: Sequence[tuple[Published, Channel]]) -> Sequence[Kind]:
    """The kinds that an organization has published something of, on which channels, with all of their variables."""
    names = dict.fromkeys(each.kind for each, _ in published)
    return [
        Kind(
            name=name,
            category=Category.UPDATES,
            channels=tuple(dict.fromkeys(channel for each, channel in published if each.kind == name)),
            summary="A kind of the organization's own.",
            variables={
                variable.name: variable.example
                for each, _ in published
                if each.kind == name
                for variable in each.wording.variables
            },
        )
        for name in names
    ]


def _shorten[K, V](kept: OrderedDict[K, V]) -> None:
    while len(kept) > _MOST_KEPT:
        kept.popitem(last=False)
