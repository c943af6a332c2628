"""Which template a message is made of: the organization's own, in the reader's language, or what is shipped."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from llmo_core.ids import new_id
from notification.contents import EmailContent, InAppContent, PushContent, SmsContent
from notification.kinds.catalogue import KINDS
from notification.kinds.models import Category, Channel
from notification.templates.models import LAYOUT, TEST, NoSuchKind, NoTemplate, RenderFacts, Unrenderable
from notification.templates.resolving import KEPT_FOR
from notification.templates.variables import Variable
from tests.unit.notification.templates.saying import Saying, mail

ORG: Final = UUID(int=1)
KIND: Final = "credit_low"


def facts(**others: Any) -> RenderFacts:
    given = {"org_id": ORG, "kind": KIND, "channel": Channel.EMAIL, "variables": KINDS[KIND].variables}
    return RenderFacts(**given | others)


async def subject(saying: Saying, **others: Any) -> str:
    rendered = (await saying.templates.render(facts(**others))).content
    assert isinstance(rendered, EmailContent)
    return rendered.subject


async def test_what_nobody_words_otherwise_is_shipped_in_the_readers_language() -> None:
    saying = Saying()
    for locale, said in (("de-AT", "Ihr Guthaben geht zur Neige"), ("fr", "Votre crédit prépayé est bientôt épuisé")):
        rendered = await saying.templates.render(facts(locale=locale))
        assert isinstance(rendered.content, EmailContent)
        assert (rendered.content.subject, rendered.locale, rendered.template_id) == (said, locale[:2], None)
    assert await subject(saying, locale="ja") == "Your prepaid credit is running out"
    assert await subject(saying, locale="ja", organization_locale="de") == "Ihr Guthaben geht zur Neige"
    assert await subject(saying, locale="nonsense", org_id=None) == "Your prepaid credit is running out"


async def test_an_organizations_own_template_comes_first_and_is_told_of() -> None:
    saying = Saying()
    published = saying.store.publish(ORG, KIND, mail("<p>{{ balance|money(currency) }} left</p>"), version=3)
    rendered = await saying.templates.render(facts())
    assert isinstance(rendered.content, EmailContent)
    assert "$4.00 left" in rendered.content.text
    assert (rendered.template_id, rendered.version, rendered.locale) == (published.template_id, 3, "en")
    assert rendered.instead_of is None


async def test_other_organizations_and_people_without_one_have_what_is_shipped() -> None:
    saying = Saying()
    saying.store.publish(ORG, KIND, mail())
    assert await subject(saying, org_id=new_id()) == "Your prepaid credit is running out"
    assert await subject(saying, org_id=None) == "Your prepaid credit is running out"


@pytest.mark.parametrize(
    ("has", "locale", "organization_locale", "used"),
    [
        (("de", "de-AT", "en"), "de-AT", "en", "de-AT"),
        (("de", "en"), "de-AT", "en", "de"),
        (("fr", "en"), "de", "fr", "fr"),
        (("fr", "en"), "de", "fr-CH", "fr"),
        (("en", "it"), "de", "fr", "en"),
    ],
)
async def test_the_language_is_the_readers_then_the_organizations_then_english(
    has: tuple[str, ...], locale: str, organization_locale: str, used: str
) -> None:
    saying = Saying()
    for each in has:
        saying.store.publish(ORG, KIND, mail(), locale=each)
    rendered = await saying.templates.render(facts(locale=locale, organization_locale=organization_locale))
    assert rendered.locale == used


async def test_without_a_template_in_any_of_these_languages_what_is_shipped_is_said() -> None:
    saying = Saying()
    saying.store.publish(ORG, KIND, mail(), locale="it")
    assert await subject(saying, locale="de") == "Ihr Guthaben geht zur Neige"


async def test_numbers_are_written_as_the_template_speaks_and_for_the_readers_region() -> None:
    saying = Saying()
    saying.store.publish(ORG, KIND, {"text": "{{ now|moment('date') }}"}, channel=Channel.SMS)
    for locale, said in (("de", "November 28, 2026"), ("en-GB", "28 November 2026")):
        assert (await saying.templates.render(facts(channel=Channel.SMS, locale=locale))).content == SmsContent(
            text=said
        )


async def test_a_template_that_cannot_be_rendered_is_replaced_and_it_is_said_why() -> None:
    saying = Saying()
    saying.store.publish(ORG, KIND, mail("<p>\n{{ balance|moment }}</p>"))
    rendered = await saying.templates.render(facts())
    assert isinstance(rendered.content, EmailContent)
    assert rendered.content.subject == "Your prepaid credit is running out"
    assert rendered.template_id is None
    assert rendered.instead_of is not None
    assert "`body`, line 2" in rendered.instead_of


async def test_a_variable_that_is_missing_is_named() -> None:
    saying = Saying()
    saying.store.publish(ORG, KIND, mail("<p>{{ low_balance|money(currency) }}</p>"))
    variables = {name: value for name, value in KINDS[KIND].variables.items() if name != "low_balance"}
    with pytest.raises(Unrenderable, match="`low_balance`"):  # what is shipped needs it as well
        await saying.templates.render(facts(variables=variables))


async def test_an_own_kind_is_rendered_or_refused_with_the_variable_that_is_missing() -> None:
    saying = Saying()
    declared = [Variable(name="order", example="1"), Variable(name="note", example="x", required=False)]
    parts = {"title": "Order {{ order }}", "body": "{{ note|default('-') }}", "url": "/orders/{{ order }}"}
    saying.store.publish(ORG, "custom.shipped", parts, channel=Channel.IN_APP, variables=declared)
    own = facts(kind="custom.shipped", channel=Channel.IN_APP, variables={"order": "A1"})
    assert (await saying.templates.render(own)).content == InAppContent(
        title="Order A1", body="-", url="https://app.example/orders/A1"
    )
    with pytest.raises(Unrenderable, match="`order`") as refusal:
        await saying.templates.render(own.model_copy(update={"variables": {}}))
    assert refusal.value.flaws[0].part == "title"
    for others in ({"channel": Channel.SMS}, {"kind": "custom.other"}, {"org_id": None}, {"org_id": new_id()}):
        with pytest.raises(NoTemplate):
            await saying.templates.render(own.model_copy(update=others))


async def test_an_own_kind_tells_its_channels_and_variables() -> None:
    saying = Saying()
    for channel in (Channel.SMS, Channel.IN_APP):
        saying.store.publish(
            ORG,
            "custom.shipped",
            {"text": "x", "title": "x", "body": "x"},
            channel=channel,
            variables=[Variable(name=channel, example=1)],
        )
    kind = await saying.templates.own_kind(ORG, "custom.shipped")
    assert (kind.channels, kind.category, kind.variables) == (
        (Channel.SMS, Channel.IN_APP),
        Category.UPDATES,
        {"sms": 1, "in_app": 1},
    )
    with pytest.raises(NoSuchKind):
        await saying.templates.own_kind(ORG, "custom.other")


LAYOUT_HTML: Final = (
    "<div class='own'>{{ content }}<p>{{ organization }}</p><a href='{{ unsubscribe_url }}'>End</a></div>"
)


async def test_an_organizations_layout_is_around_its_mails_and_around_what_is_shipped() -> None:
    saying = Saying()
    saying.store.publish(ORG, LAYOUT, {"html": LAYOUT_HTML})
    rendered = await saying.templates.render(facts(organization="Acme <&>"))
    assert isinstance(rendered.content, EmailContent)
    assert 'class="own"' in rendered.content.html
    assert "Acme &lt;&amp;&gt;" in rendered.content.html
    assert "Top up" in rendered.content.text


async def test_a_layout_that_cannot_be_rendered_is_replaced_by_ours_and_it_is_said_why() -> None:
    saying = Saying()
    saying.store.publish(ORG, LAYOUT, {"html": "{{ content }}{{ organization|moment }}"})
    own = saying.store.publish(ORG, KIND, mail())
    rendered = await saying.templates.render(facts())
    assert isinstance(rendered.content, EmailContent)
    assert (rendered.template_id, rendered.content.subject) == (own.template_id, "Own subject")
    assert rendered.instead_of is not None
    assert "`html`" in rendered.instead_of


@pytest.mark.parametrize(
    "kind",
    [
        name
        for name, kind in KINDS.items()
        if kind.category in {Category.ACCOUNT, Category.SECURITY} and name != "invitation"
    ],
)
async def test_nobody_else_words_what_is_about_peoples_accounts_or_puts_anything_around_it(kind: str) -> None:
    saying = Saying()
    saying.store.publish(ORG, kind, mail("<img src='https://evil.example/{{ token }}'>"))
    saying.store.publish(ORG, LAYOUT, {"html": "<img src='https://evil.example/{{ content }}'>"})
    rendered = await saying.templates.render(facts(kind=kind, variables=KINDS[kind].variables))
    assert isinstance(rendered.content, EmailContent)
    assert "evil.example" not in rendered.content.html


async def test_what_is_published_is_looked_up_once_in_a_few_seconds() -> None:
    saying = Saying()
    for _ in range(3):
        await saying.templates.render(facts(channel=Channel.SMS))
    assert saying.store.asked == 1
    saying.store.publish(ORG, KIND, {"text": "new"}, channel=Channel.SMS)
    saying.clock.moment += KEPT_FOR + timedelta(milliseconds=1)
    assert (await saying.templates.render(facts(channel=Channel.SMS))).content == SmsContent(text="new")


async def test_a_test_says_what_was_rendered_when_it_was_asked_for() -> None:
    saying = Saying()
    content = PushContent(title="{{ x }}", body="y", url=None)
    test = facts(kind=TEST, channel=Channel.PUSH, variables={"content": content.model_dump()})
    assert (await saying.templates.render(test)).content == content
    with pytest.raises(Unrenderable):
        await saying.templates.render(test.model_copy(update={"channel": Channel.SMS}))


async def test_a_kind_that_there_is_not_is_said_to_be_none() -> None:
    with pytest.raises(Unrenderable, match="`nothing`"):
        await Saying().templates.render(facts(kind="nothing"))
