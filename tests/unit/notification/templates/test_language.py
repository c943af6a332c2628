"""The language of templates: what it says, and that nothing else can be done in it."""

import tracemalloc
from time import process_time
from typing import Any, Final

import pytest

from notification.templates.language import MOST_CHARACTERS, Failed, Malformed, blocks, parsed

GIVEN: Final = {"locale": "en", "time_zone": "Europe/Berlin", "app_url": "https://app.example"}


def said(source: str, *, html: bool = False, **values: Any) -> str:
    return parsed(source, html=html).rendered({**GIVEN, **values})


def test_a_template_says_what_it_is_given() -> None:
    assert said("{{ a }}, {{ b.c }}, {{ d[0] }}{% if a %}!{% endif %}", a="x", b={"c": 1}, d=[2]) == "x, 1, 2!"
    assert said("{% for each in a %}{{ each }}{{ ', ' if not loop.last }}{% endfor %}", a=["x", "y"]) == "x, y"
    assert said("{{ a }}", a=None) == ""


def test_values_are_texts_in_html_and_never_markup() -> None:
    value = "<script>alert('1')</script>&\""
    assert "<" not in said(
        "{{ a }}{{ a|lines }}{{ a|upper }}{{ a ~ a }}{{ a|default(a) }}", html=True, a=value
    ).replace("<br>", "")
    assert said("{{ a }}", a=value) == value


ESCAPES: Final = [
    "{{ ''.__class__.__mro__ }}",
    "{{ a.__class__ }}",
    "{{ a['__class__'] }}",
    "{{ a.__init__.__globals__ }}",
    "{{ a|attr('__class__') }}",
    "{{ '{0.__class__}'.format(a) }}",
    "{{ '%s'|format(a) }}",
    "{{ lipsum.__globals__ }}",
    "{{ lipsum() }}",
    "{{ cycler.__init__ }}",
    "{{ cycler('a') }}",
    "{{ joiner }}",
    "{{ namespace(a=1) }}",
    "{{ dict(a=1) }}",
    "{{ range(10) }}",
    "{{ self }}",
    "{{ self._TemplateReference__context }}",
    "{{ context }}",
    "{{ a.items }}",
    "{{ b.append }}",
    "{{ text.upper }}",
    "{{ text[0] }}",
    "{{ _turns }}",
    "{{ a|safe }}",
    "{{ a|map(attribute='x') }}",
    "{{ a|_counted }}",
    "{{ text is callable }}",
    "{{ loop.cycle('a') }}",
    "{% for x in a recursive %}{{ loop(x) }}{% endfor %}",
    "{% for x in b %}{{ loop }}{% endfor %}",
    "{% for x in b %}{{ loop.__class__ }}{% endfor %}",
    "{% for x in b %}{{ loop._iterable }}{% endfor %}",
    "{% set x = 1 %}",
    "{% set x %}1{% endset %}",
    "{% with x = 1 %}{% endwith %}",
    "{% include 'x' %}",
    "{% import 'x' as y %}",
    "{% from 'x' import y %}",
    "{% extends 'x' %}",
    "{% block x %}{% endblock %}",
    "{% macro x() %}{% endmacro %}",
    "{% call x() %}{% endcall %}",
    "{% filter upper %}{% endfilter %}",
    "{% autoescape false %}{{ a }}{% endautoescape %}",
    "{% do x %}",
    "{% debug %}",
    "{{ 1 + 1 }}",
    "{{ a % 2 }}",
    "{{ -1 }}",
    "{{ [1] }}",
    "{{ {'a': 1} }}",
    "{{ b[0:1] }}",
    "{{ a }}",
    "{{ b }}",
]


@pytest.mark.parametrize("source", ESCAPES)
def test_nothing_leads_out_of_the_language(source: str) -> None:
    with pytest.raises((Malformed, Failed)):
        said(source, a={"x": 1}, b=[1], text="x")


HEAVY: Final = [
    "{{ 'a' * 10**9 }}",
    "{{ 10**10**10 }}",
    "{{ " + "9" * 5_000 + " }}",
    "{% for x in a %}{% for y in a %}{% for z in a %}{{ z }}{% endfor %}{% endfor %}{% endfor %}",
    "{% for x in a %}{% for y in a %}{% endfor %}{% endfor %}",
    "{% for x in a %}" * 4 + "{% endfor %}" * 4,
    "{% for x in a %}" + "x" * 100_000 + "{% endfor %}",
    "{% for x in text %}{% endfor %}",
    "{{ " + "(" * 5_000 + "1" + ")" * 5_000 + " }}",
    "{{ " + "not " * 5_000 + "1 }}",
    "{{ a" + ".b" * 5_000 + " }}",
    "{{ a" + "|upper" * 5_000 + " }}",
    "{{ text" + " ~ text" * 50 + " }}",
    "{{ (text ~ text) ~ text }}",
    "{{ a|join(text) }}",
    "{% if text %}" * 500 + "{% endif %}" * 500,
    "{% if text %}" + "{% elif text %}" * 20_000 + "{% endif %}",
    "{{ text }}" * 20_000,
    "x" * 300_000,
]


@pytest.mark.parametrize("source", HEAVY, ids=range(len(HEAVY)))
def test_no_template_takes_much_time_or_memory(source: str) -> None:
    tracemalloc.start()
    started = process_time()
    with pytest.raises((Malformed, Failed)):
        said(source, a=[*map(str, range(1_000))], text="x" * 60_000)
    assert tracemalloc.get_traced_memory()[1] < 150_000_000
    tracemalloc.stop()
    assert process_time() - started < 10  # so that a loop without end is noticed, and a slow machine is not


def test_what_is_said_is_bounded_while_it_is_said() -> None:
    source = "{% for x in a %}{{ x }}{% endfor %}"
    assert len(said(source, a=["x" * 100] * 2_000)) == 200_000
    with pytest.raises(Failed, match=f"{MOST_CHARACTERS:,}"):
        said(source, a=["x" * 1_000] * 5_000)


def test_a_template_that_cannot_be_read_is_refused_with_the_line_and_the_reason() -> None:
    with pytest.raises(Malformed) as refusal:
        parsed("one\ntwo {{ x| }}\nthree", html=False)
    assert refusal.value.mistakes[0].line == 2
    with pytest.raises(Malformed) as refusal:
        parsed("{{ 1 + 1 }}\n\n{{ x() }}\n{{ x|nothing }}", html=False)
    assert [(each.line, each.message[:30]) for each in refusal.value.mistakes] == [
        (1, "templates have no arithmetic"),
        (3, "templates have no calls"),
        (4, "there is no filter `nothing`; "),
    ]


def test_what_is_missing_is_named_with_its_line() -> None:
    with pytest.raises(Failed, match="`amount`, `number`") as refusal:
        said("x\n{{ amount }}\n{{ number }}")
    assert refusal.value.line == 2
    with pytest.raises(Failed, match="`title`") as refusal:
        said("x\n\n{{ item.title }}", item={})
    assert refusal.value.line == 3


def test_variables_that_a_template_uses_are_known_before_it_is_rendered() -> None:
    names = parsed("{{ a }}\n{% for b in c %}{{ b.d }}{% endfor %}\n{% if e is defined %}{% endif %}", html=False).names
    assert names == {"a": 1, "c": 2, "e": 3}


def test_a_file_has_blocks_and_nothing_besides() -> None:
    found = blocks("{% block a %}{{ x }}{% endblock %}\n\n{% block b %}{{ x }}{% endblock %}\n", html=frozenset({"b"}))
    assert [found[name].rendered({**GIVEN, "x": "<"}) for name in ("a", "b")] == ["<", "&lt;"]
    with pytest.raises(Malformed):
        blocks("x{% block a %}{% endblock %}", html=frozenset())
