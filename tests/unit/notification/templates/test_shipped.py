"""The templates that are shipped: every kind, in every language, on every channel."""

import html
import re
from collections.abc import Mapping
from itertools import product
from typing import Any, Final

import pytest

from notification.contents import Content, EmailContent, InAppContent, PushContent, SmsContent
from notification.kinds.catalogue import KINDS
from notification.kinds.models import Channel
from notification.templates import bounds, shipped
from notification.templates.models import RenderFacts, Unrenderable
from notification.templates.variables import COMMON
from notification.templates.wordings import shown, standard
from tests.unit.notification.templates.saying import APP, NOW

MARKUP: Final = "<script>&\"'</script>"
EVERYTHING: Final = [*product(shipped.LOCALES, KINDS, Channel)]
TOKENS: Final = {
    "verify_email": "/verify-email",
    "reset_password": "/reset-password",
    "confirm_new_email": "/confirm-email",
    "invitation": "/invitations",
}


def content(
    locale: str, kind: str, channel: Channel, variables: Mapping[str, Any] | None = None, **others: Any
) -> Content:
    known = {"person": "Ada", "organization": "Acme", "unsubscribe_url": f"{APP}/u"}
    facts = RenderFacts(
        org_id=None,
        kind=kind,
        channel=channel,
        locale=locale,
        time_zone="Europe/Berlin",
        variables=KINDS[kind].variables if variables is None else variables,
        **known | others,
    )
    return shown(standard(facts, locale), facts, app_url=APP, now=NOW)


def texts(rendered: Content) -> list[str]:
    return [value for _, value in rendered if isinstance(value, str)]


@pytest.mark.parametrize(("locale", "kind", "channel"), EVERYTHING)
def test_every_kind_says_something_on_every_channel_in_every_language(locale: str, kind: str, channel: Channel) -> None:
    for others in ({}, {"person": None, "organization": None, "unsubscribe_url": None}):
        rendered = content(locale, kind, channel, **others)
        assert all(text.strip() for text in texts(rendered))
        assert not re.search(r"\{\{|\}\}|\{%|None|True|False|Undefined", "".join(texts(rendered)).replace("noneOf", ""))
        match rendered:
            case EmailContent():
                assert APP in rendered.text or kind in {
                    "account_deleted",
                    "phone_code",
                    "role_changed",
                    "member_removed",
                }
            case SmsContent():
                assert bounds.segments(rendered.text).count <= bounds.SEGMENTS
            case PushContent() | InAppContent():
                assert rendered.url is None or rendered.url.startswith(f"{APP}/")


@pytest.mark.parametrize(("locale", "kind"), [*product(shipped.LOCALES, KINDS)])
def test_no_markup_of_a_variable_gets_into_a_mail(locale: str, kind: str) -> None:
    def spoiled(name: str, value: Any) -> Any:
        keeps = isinstance(value, str) and (
            name in {"currency", "url"} or re.match(r"\d{4}-\d\d-\d\d|\d+(\.\d+)?$", value)
        )
        if isinstance(value, list):
            return [{key: spoiled(key, each) for key, each in item.items()} for item in value]
        return value if keeps or not isinstance(value, str) else MARKUP

    variables = {name: spoiled(name, value) for name, value in KINDS[kind].variables.items()}
    rendered = content(locale, kind, Channel.EMAIL, variables, person=MARKUP, organization=MARKUP)
    assert isinstance(rendered, EmailContent)
    assert "<script" not in rendered.html
    assert html.escape("<script>", quote=False) in rendered.html


def test_all_languages_have_all_kinds_and_only_those() -> None:
    for locale in shipped.LOCALES:
        named = {path.name.removesuffix(".jinja") for path in (shipped._DEFAULTS / locale).iterdir()}
        assert named == {*KINDS, "_frame"}


@pytest.mark.parametrize("kind", KINDS)
def test_languages_differ_in_words_and_in_nothing_else(kind: str) -> None:
    found = [shipped._blocks(locale, kind) for locale in shipped.LOCALES]
    assert len({frozenset(blocks) for blocks in found}) == 1
    mails = [content(locale, kind, Channel.EMAIL) for locale in shipped.LOCALES]
    assert len({mail.text for mail in mails if isinstance(mail, EmailContent)}) == len(shipped.LOCALES)
    inboxes = [content(locale, kind, Channel.IN_APP) for locale in shipped.LOCALES]
    assert len({entry.url for entry in inboxes if isinstance(entry, InAppContent)}) == 1
    if kind != "message":  # which says what it is given
        assert len({entry.body for entry in inboxes if isinstance(entry, InAppContent)}) == len(shipped.LOCALES)


@pytest.mark.parametrize("kind", KINDS)
def test_templates_use_the_variables_of_their_kind_and_no_others(kind: str) -> None:
    for locale in shipped.LOCALES:
        used = {name for block in shipped._blocks(locale, kind).values() for name in block.names}
        assert used <= {*KINDS[kind].variables, *COMMON}


@pytest.mark.parametrize(("kind", "path"), TOKENS.items())
@pytest.mark.parametrize("locale", shipped.LOCALES)
def test_tokens_are_in_the_link_and_in_the_text(locale: str, kind: str, path: str) -> None:
    token = "a+b/c=&d"
    rendered = content(locale, kind, Channel.EMAIL, {**KINDS[kind].variables, "token": token})
    assert isinstance(rendered, EmailContent)
    assert f"{APP}{path}?token=a%2Bb%2Fc%3D%26d" in rendered.text
    assert token in rendered.text
    assert f'href="{APP}{path}?token=a%2Bb%2Fc%3D%26d"' in rendered.html


def test_a_mail_can_be_ended_where_there_is_a_link_for_that() -> None:
    with_link, without = (
        content("en", "credit_low", Channel.EMAIL, unsubscribe_url=url) for url in (f"{APP}/end?a=1&b=2", None)
    )
    assert isinstance(with_link, EmailContent)
    assert isinstance(without, EmailContent)
    assert f'href="{APP}/end?a=1&amp;b=2"' in with_link.html
    assert f"Unsubscribe from such messages <{APP}/end?a=1&b=2>" in with_link.text
    assert "Unsubscribe" not in without.html


def test_a_digest_lists_its_items() -> None:
    items = [
        {"title": "First <b>", "text": "One\ntwo", "url": "/first"},
        {"title": "Second", "text": "", "url": None},
    ]
    rendered = content("en", "digest", Channel.EMAIL, {"items": items, "count": 2})
    assert isinstance(rendered, EmailContent)
    assert rendered.subject == "2 new notifications"
    assert f"* First <b> <{APP}/first>\nOne\ntwo\n* Second" in rendered.text


def test_a_message_says_what_it_is_given_and_who_says_it() -> None:
    message = {"title": "Maintenance\nSubject: x", "text": "<b>Down</b>\nat two", "url": None}
    mail = content("de", "message", Channel.EMAIL, message, organization="Acme & Söhne")
    assert isinstance(mail, EmailContent)
    assert mail.subject == "Maintenance Subject: x"
    assert "&lt;b&gt;Down&lt;/b&gt;<br>\nat two" in mail.html
    assert content("de", "message", Channel.SMS, message, organization="Acme & Söhne") == SmsContent(
        text="Acme & Söhne: <b>Down</b>\nat two"
    )
    assert content("de", "message", Channel.SMS, message, organization=None) == SmsContent(
        text="LLMOptimizer: <b>Down</b>\nat two"
    )


def test_numbers_and_dates_are_written_in_the_language_of_the_text() -> None:
    rendered = content("de", "invoice_finalized", Channel.IN_APP)
    assert isinstance(rendered, InAppContent)
    assert rendered.body.replace("\u00a0", " ") == (
        "Die Rechnung INV-2026-000042 über 120,00 $ wurde ausgestellt. Zu zahlen sind 99,00 $."
    )


def test_a_mail_takes_the_address_of_a_file_in_s3_and_a_text_message_does_not() -> None:
    signed = "https://files.s3.eu-west-1.amazonaws.com/report.pdf?X-Amz-Security-Token=" + "x" * 1_900
    variables = {**KINDS["report_ready"].variables, "url": signed}

    mail = content("en", "report_ready", Channel.EMAIL, variables)

    assert isinstance(mail, EmailContent)
    assert signed in mail.text
    for channel in (Channel.SMS, Channel.PUSH):
        with pytest.raises(Unrenderable):
            content("en", "report_ready", channel, variables)
