"""Whatever variables are given: no markup, no second line in a subject, and no errors but the named ones."""

import re
from contextlib import suppress
from html import unescape
from typing import Any, Final
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml.html import document_fromstring

from notification.contents import EmailContent, InAppContent, PushContent, SmsContent
from notification.kinds.catalogue import KINDS
from notification.kinds.models import Channel
from notification.templates import bounds
from notification.templates.models import RenderFacts, Unrenderable
from notification.templates.variables import Variable
from tests.unit.notification.templates.saying import Saying, mail

ORG: Final = UUID(int=1)
NASTY: Final = st.sampled_from(
    [
        "<script>acts()</script>",
        "<img src=x onerror=acts()>",
        "' onmouseover='acts()",
        '"><svg onload=acts()>',
        "</style></title></p>",
        "-->",
        "]]>",
        "{{ 7 }}{% raw %}",
        "{}: x:y=1",
        "\r\nBcc: x@example.com",
        "\n\n<p>x",
        "\u2028\u2029\x85\x0b\x00\x1b[31m",
        "\u202eevil",
        "javascript:acts()",
        "&lt;script&gt;",
        "\ud800",
        "%0d%0aX: y",
    ]
)
TEXT: Final = st.text(max_size=30) | st.lists(NASTY | st.text("<>&'\"{}%\n\r\x00/:", max_size=5), max_size=4).map(
    "".join
)
VALUE: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
OWN: Final = mail(
    '<p title="{{ a }}" class=\'{{ a }}\'>{{ a }}{{ a|default("-") }}</p><a href="{{ a }}">{{ a }}</a><b {{ a }}>x</b>'
    "<style>p { color: {{ a }} }</style><!-- {{ a }} -->",
    heading="{{ a }}",
    action="{{ a }}",
)


def variables_of(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    known = KINDS[kind].variables
    return st.fixed_dictionaries({name: VALUE | TEXT | st.just(value) for name, value in known.items()})


ANY: Final = st.sampled_from([*KINDS]).flatmap(lambda kind: st.tuples(st.just(kind), variables_of(kind)))


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(ANY, st.sampled_from([*Channel]), st.sampled_from(["en", "de", "fr", "x\n<"]), TEXT, TEXT, TEXT)
async def test_whatever_variables_are_given_to_what_is_shipped(
    kind: tuple[str, dict[str, Any]], channel: Channel, locale: str, person: str, organization: str, time_zone: str
) -> None:
    facts = RenderFacts.model_construct(
        org_id=None,
        kind=kind[0],
        channel=channel,
        locale=locale,
        time_zone=time_zone,
        variables=kind[1],
        person=person,
        organization=organization,
        unsubscribe_url=None,
        organization_locale="en",
    )
    with suppress(Unrenderable):
        require_harmless((await Saying().templates.render(facts)).content)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(VALUE | TEXT)
async def test_whatever_variables_are_given_to_an_organizations_own_template(value: object) -> None:
    saying = Saying()
    saying.store.publish(ORG, "custom.own", OWN, variables=[Variable(name="a", example="x")])
    facts = RenderFacts(org_id=ORG, kind="custom.own", channel=Channel.EMAIL, variables={"a": value})
    with suppress(Unrenderable):
        require_harmless((await saying.templates.render(facts)).content)


def require_harmless(content: object) -> None:
    match content:
        case EmailContent():
            one_line(content.subject)
            document = document_fromstring(content.html)
            for element in document.iter():
                if isinstance(element.tag, str):
                    assert element.tag not in {"script", "svg", "iframe", "form"}
                    assert not any(name.startswith("on") for name in element.attrib)
                    target = re.sub(r"[\x00-\x20]", "", unescape(element.get("href", "https:")))
                    assert target.startswith(("https:", "http:", "mailto:", "tel:", "#"))
        case SmsContent():
            assert bounds.segments(content.text).count <= bounds.SEGMENTS
        case PushContent() | InAppContent():
            one_line(content.title)
            assert content.url is None or content.url.startswith(("https://", "http://"))


def one_line(text: str) -> None:
    assert text
    assert len(text) <= bounds.SUBJECT
    assert text.splitlines() == [text]
    assert not re.search(r"[\x00-\x1f\x7f\u202e]", text)
