"""Whatever somebody writes as a template: it is refused, it fails, or it says something; nothing else happens."""

from contextlib import suppress
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from notification.kinds.models import Channel
from notification.templates.filters import FILTERS
from notification.templates.language import MOST_CHARACTERS, Failed, Malformed, parsed
from notification.templates.models import FlawedTemplate, UnfittingWording, Wording
from notification.templates.variables import Variable
from notification.templates.wordings import require_fitting, require_renderable
from tests.unit.notification.templates.saying import APP, mail

GIVEN: Final[dict[str, Any]] = {
    "locale": "en",
    "time_zone": "UTC",
    "app_url": APP,
    "a": "<x>",
    "b": [1, {"c": "d"}, None],
    "c": {"d": ["e"], "f": -1.5},
    "n": None,
}
ATOM: Final = st.sampled_from(
    [
        "a",
        "b",
        "c",
        "c.d",
        "b[0]",
        "b[1].c",
        "n",
        "loop.index",
        "x",
        "1",
        "'t'",
        "true",
        "none",
        "1.5",
        "-1",
        "()",
        "''",
    ]
)
FILTERED: Final = (*FILTERS, "safe", "attr('x')", "truncate(3)", "money('USD')", "join(a)", "moment('date')")
FILTER: Final = st.sampled_from(FILTERED)
OPERATOR: Final = st.sampled_from(["~", "<", "==", "in", "and", "or", "if", "+", "is"])
EXPRESSION: Final = st.recursive(
    ATOM,
    lambda inner: (
        st.builds("{}|{}".format, inner, FILTER)
        | st.builds("({} {} {})".format, inner, OPERATOR, inner)
        | st.builds("({} if {} else {})".format, inner, inner, inner)
        | st.builds("{}[{}]".format, inner, inner)
        | st.builds("{}({})".format, inner, inner)
        | st.builds("not {}".format, inner)
    ),
    max_leaves=6,
)
MARKS: Final = (
    "{% endif %}|{% endfor %}|{% else %}|{%|{{|}}|%}|{#|#}|{% raw %}|{% endraw %}|{% set x = 1 %}|{% block x %}|"
    "{% endblock %}|<p>|</p>|<|>|<a href='|<style>|<!--"
)
PIECE: Final = st.one_of(
    st.text(max_size=5),
    st.builds("{{{{ {} }}}}".format, EXPRESSION),
    st.builds("{{% if {} %}}".format, EXPRESSION),
    st.builds("{{% for {} in {} %}}".format, st.sampled_from(["x", "a", "x, y", "locale", "_x"]), EXPRESSION),
    st.sampled_from(MARKS.split("|")),
)
LOOP: Final = st.builds("{{% for x in {} %}}{}{{% endfor %}}".format, ATOM, PIECE)
SOURCE: Final = st.lists(PIECE, max_size=8).map("".join) | LOOP


@settings(deadline=None)
@given(SOURCE, st.booleans())
def test_a_template_is_refused_or_fails_or_says_something(source: str, html: bool) -> None:  # noqa: FBT001 - hypothesis'
    with suppress(Malformed, Failed):
        assert len(parsed(source, html=html).rendered(GIVEN)) <= MOST_CHARACTERS


@settings(deadline=None)
@given(SOURCE, SOURCE, SOURCE)
def test_a_wording_is_refused_or_can_be_published(body: str, subject: str, url: str) -> None:
    declared = tuple(Variable(name=name, example=GIVEN[name], required=name != "c") for name in "abc")
    wording = Wording(parts=mail(body) | {"subject": subject, "url": url}, variables=declared)
    with suppress(UnfittingWording, FlawedTemplate):
        require_fitting("custom.own", Channel.EMAIL, wording)
        require_renderable("custom.own", Channel.EMAIL, "en", wording, app_url=APP)
