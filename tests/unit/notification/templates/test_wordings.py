"""What organizations may word, and what is wrong with it: the part, the line and the reason."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pytest
from pydantic import ValidationError

from notification.kinds.catalogue import KINDS
from notification.kinds.models import Category, Channel
from notification.templates.models import LAYOUT, FlawedTemplate, NoSuchKind, NotYours, UnfittingWording, Wording
from notification.templates.parts import PARTS
from notification.templates.variables import COMMON, Variable, VariableType
from notification.templates.wordings import prepared, require_customizable, require_fitting, require_renderable
from tests.unit.notification.templates.saying import APP, mail

OWN: Final = "custom.own"


def require(
    kind: str, parts: Mapping[str, str], *, variables: Sequence[Variable] = (), channel: Channel = Channel.EMAIL
) -> None:
    wording = Wording(parts=parts, variables=tuple(variables))
    require_fitting(kind, channel, wording)
    require_renderable(kind, channel, "en", wording, app_url=APP)


def flaws(kind: str, parts: Mapping[str, str], **others: Any) -> list[tuple[str, int | None, str]]:
    with pytest.raises(FlawedTemplate) as refusal:
        require(kind, parts, **others)
    return [(flaw.part, flaw.line, flaw.message) for flaw in refusal.value.flaws]


def test_unknown_variables_are_refused_with_their_names_and_lines() -> None:
    assert flaws("credit_low", mail("<p>\n{{ amount }}</p>\n{{ wallet_id }}", action="{{ wallet }}")) == [
        ("body", 2, "there is no variable `amount`"),
        ("action", 1, "there is no variable `wallet`"),
    ]


def test_what_cannot_be_read_is_refused_with_the_line_and_the_reason() -> None:
    ((part, line, message),) = flaws("credit_low", mail("<p>\n{% if balance %}"))
    assert (part, line) == ("body", 2)
    assert "'endif'" in message
    assert flaws("credit_low", mail("<p>\n\n{{ balance + 1 }}")) == [("body", 3, "templates have no arithmetic")]


def test_what_does_not_fit_its_examples_is_refused_before_it_is_sent() -> None:
    ((part, line, message),) = flaws("credit_low", mail("<p>\n{{ balance|moment }}"))
    assert (part, line) == ("body", 2)
    assert "RFC 3339" in message
    assert flaws("credit_low", mail(url="javascript:acts()"))[0][:1] == ("url",)
    assert flaws("credit_low", mail() | {"subject": "{% if false %}x{% endif %}"}) == [
        ("subject", None, "nothing is left of it")
    ]


def test_a_template_is_tried_without_what_may_be_left_out() -> None:
    optional = [Variable(name="due", type=VariableType.MOMENT, example="2026-11-28T12:00:00Z", required=False)]
    assert flaws(OWN, mail("{{ due|moment }}"), variables=optional)[0][:2] == ("body", 1)
    require(OWN, mail("{% if due %}{{ due|moment }}{% endif %}"), variables=optional)
    assert flaws("credit_low", mail("{{ person|truncate(9) }}"))[0][:2] == ("body", 1)


def test_a_layout_has_the_mail_in_it_and_a_way_to_end_such_mails() -> None:
    assert flaws(LAYOUT, {"html": "<p>x</p>"}) == [
        ("html", None, "a layout needs the variable `content`"),
        ("html", None, "a layout needs the variable `unsubscribe_url`"),
    ]
    assert flaws(LAYOUT, {"html": "{{ content }}{{ unsubscribe_url }}{{ title }}"}) == [
        ("html", 1, "there is no variable `title`")
    ]
    require(LAYOUT, {"html": "{{ content }}{% if unsubscribe_url %}<a href='{{ unsubscribe_url }}'>x</a>{% endif %}"})


@pytest.mark.parametrize("channel", Channel)
def test_each_channel_has_parts_of_its_own(channel: Channel) -> None:
    parts = {name: "x" for name, part in PARTS[channel].items() if part.required}
    require("credit_low", parts, channel=channel)
    for wrong in ({}, parts | {"other": "x"}, dict.fromkeys(parts, "  "), parts | {"url": "x" * 3_000}):
        with pytest.raises(UnfittingWording):
            require("credit_low", wrong, channel=channel)


def test_only_own_kinds_declare_variables_and_each_once() -> None:
    variable = Variable(name="x", example=1)
    for kind, variables in (("credit_low", [variable]), (LAYOUT, [variable]), (OWN, [variable, variable])):
        with pytest.raises(UnfittingWording):
            require(kind, {"html": "x"} if kind == LAYOUT else mail(), variables=variables)
    for name in (*COMMON, "content", "X", "_x", "1", "", "a b"):
        with pytest.raises(ValidationError):
            Variable(name=name, example=1)


def test_an_organization_words_its_own_kinds_and_ours_but_for_what_is_about_peoples_accounts() -> None:
    for kind in KINDS.values():
        if kind.category in {Category.ACCOUNT, Category.SECURITY} and kind.name != "invitation":
            with pytest.raises(NotYours):
                require_customizable(kind.name, Channel.EMAIL)
        else:
            require_customizable(kind.name, Channel.SMS)
    require_customizable(OWN, Channel.PUSH)
    require_customizable(LAYOUT, Channel.EMAIL)
    with pytest.raises(UnfittingWording):
        require_customizable(LAYOUT, Channel.SMS)
    for name in ("nothing", "template_test"):
        with pytest.raises(NoSuchKind):
            require_customizable(name, Channel.EMAIL)


def test_all_that_is_wrong_is_told_at_once_but_not_without_end() -> None:
    with pytest.raises(FlawedTemplate) as refusal:
        prepared("credit_low", Channel.EMAIL, "en", Wording(parts=mail("".join(f"{{{{ x{n} }}}}" for n in range(99)))))
    assert len(refusal.value.flaws) == 20
