"""Looking at what a template says before anybody gets it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from llmo_auth.principal import ActorType, NotSignedIn, Principal
from llmo_core.clock import Clock
from llmo_core.model import Model
from notification.contents import Content
from notification.kinds.models import Channel
from notification.templates import shipped
from notification.templates.models import RenderFacts, Template, Wording
from notification.templates.ports import TestSends
from notification.templates.resolving import Templates, languages
from notification.templates.service import TemplateService
from notification.templates.wordings import (
    customizable,
    example,
    given,
    prepared,
    require_customizable,
    require_fitting,
    require_known,
    shown,
    standard,
)


class Previewed(Model):
    """What is previewed, and with what.

    Attributes:
        kind: As templates have it.
        wording: What is not kept anywhere; None for what is shipped.
    """

    kind: str
    channel: Channel
    locale: str
    wording: Wording | None


class Setting(Model):
    """For whom a preview is made; what is left out is made up.

    Attributes:
        variables: In place of the examples, those that are given.
        unsubscribable: Whether the recipient can end such messages.
    """

    variables: Mapping[str, Any] = {}
    time_zone: str = "UTC"
    person: str | None = "Ada Lovelace"
    organization: str | None = "Analytical Engines"
    unsubscribable: bool = True


class PreviewService:
    """Renders templates, drafts and what is not kept, with examples or with what is given."""

    def __init__(
        self, *, templates: TemplateService, sent: Templates, sends: TestSends, app_url: str, clock: Clock
    ) -> None:
        self._templates = templates
        self._sent = sent
        self._sends = sends
        self._app_url = app_url
        self._clock = clock

    async def of(self, principal: Principal, previewed: Previewed, setting: Setting) -> Content:
        """What somebody would get, in the organization's layout where it has one. Nothing is sent.

        Raises NoSuchKind, NotYours, UnfittingWording, FlawedTemplate, Unrenderable.
        """
        require_known(previewed.kind, own=previewed.wording is not None)
        facts = self._facts(previewed, setting)
        if previewed.wording is None:
            said = standard(facts, shipped.locale_of(languages(previewed.locale, "en")))
        else:
            require_customizable(previewed.kind, previewed.channel)
            require_fitting(previewed.kind, previewed.channel, previewed.wording)
            said = prepared(previewed.kind, previewed.channel, previewed.locale, previewed.wording)
        layout = None
        if customizable(previewed.kind):
            layout = await self._sent.layout(principal.org_id, previewed.channel, previewed.locale)
        return shown(said, facts, app_url=self._app_url, now=self._clock.now(), layout=layout)

    async def of_template(
        self, principal: Principal, template_id: UUID, number: int | None, setting: Setting
    ) -> tuple[Template, Content]:
        """What somebody would get of a template: of a version, or without a number of the draft, else what is sent.

        Raises UnknownTemplate, UnknownVersion, FlawedTemplate, Unrenderable.
        """
        template = await self._templates.find(principal, template_id)
        wording = template.draft
        if number is not None or wording is None:
            chosen = number if number is not None else template.published or 0
            wording = (await self._templates.version(principal, template_id, chosen)).wording
        previewed = Previewed(kind=template.kind, channel=template.channel, locale=template.locale, wording=wording)
        return template, await self.of(principal, previewed, setting)

    async def test(self, principal: Principal, template_id: UUID, number: int | None, setting: Setting) -> UUID:
        """Send the same to the caller, and nobody else; gives the notification's id.

        Not safe to retry: there would be two. Raises NotSignedIn for a caller that is no person, NoOwnAddress, and what
        `of_template` raises.
        """
        if principal.actor_type is not ActorType.USER:
            raise NotSignedIn("A test goes to your own address: an API key has none.")
        template, content = await self.of_template(principal, template_id, number, setting)
        return await self._sends.send(principal, template.channel, content)

    def _facts(self, previewed: Previewed, setting: Setting) -> RenderFacts:
        wording = previewed.wording
        variables = {**example(previewed.kind, wording), **setting.variables}
        return RenderFacts(
            org_id=None,
            kind=previewed.kind,
            channel=previewed.channel,
            locale=previewed.locale,
            time_zone=setting.time_zone,
            variables=given(previewed.kind, wording, variables),
            person=setting.person,
            organization=setting.organization,
            unsubscribe_url=f"{self._app_url}/unsubscribe" if setting.unsubscribable else None,
        )
