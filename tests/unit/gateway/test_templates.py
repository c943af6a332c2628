"""Templates of prompts: names are replaced, and nothing else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.templates import TemplateError, chosen, names, rendered

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def said(text: str, **values: Any) -> str:
    (message,) = rendered([{"role": "user", "content": text}], values)
    content: str = message["content"]
    return content


def test_names_are_replaced_wherever_they_stand() -> None:
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "You know {{product}}."},
        {"role": "user", "content": [{"type": "text", "text": "{{ question }} ({{  product }})"}]},
    ]
    assert names(messages) == {"product", "question"}
    assert rendered(messages, {"product": "trains", "question": "When?"}) == [
        {"role": "system", "content": "You know trains."},
        {"role": "user", "content": [{"type": "text", "text": "When? (trains)"}]},
    ]


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), TEXTS | st.sampled_from(["{{a}}", "{{ b }}", "}}", "{{"])))
def test_what_is_put_in_is_never_looked_at_again(values: dict[str, str]) -> None:
    text = "".join(f"<{{{{{name}}}}}>" for name in values)
    assert said(text, **values) == "".join(f"<{value}>" for value in values.values())


@given(TEXTS)
def test_no_value_begins_a_message(value: str) -> None:
    made = rendered([{"role": "system", "content": "a"}, {"role": "user", "content": "{{b}}"}], {"b": value})
    assert [message["role"] for message in json.loads(json.dumps(made))] == ["system", "user"]


@pytest.mark.parametrize(
    "text", ["{}", '{"a": {"b": 1}}', "{{a b}}", "{{}}", "{{ 1a }}", "{{a", "a}}", "{{{", "{% if %}"]
)
def test_what_is_no_name_stays(text: str) -> None:
    assert said(text) == text


def test_what_would_become_too_long_is_not_made() -> None:
    places = "{{a}}" * 1_001
    assert len(said(places, a="x" * 999)) == 1_001 * 999
    with pytest.raises(TemplateError, match="more than 1000000 characters"):
        said(places, a="x" * 1_000)
    with pytest.raises(TemplateError, match="more than 1000000 characters"):
        said("{{a}}" * 13_000, a="x" * 5_000_000)


def test_numbers_and_truth_are_written_plainly() -> None:
    assert said("{{a}} {{b}} {{c}} {{d}}", a=1, b=2.5, c=True, d=False) == "1 2.5 true false"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, "These variables have no value: a, b."),
        ({"a": "", "b": "", "d": "", "c": ""}, "The prompt has no such variables: c, d."),
        ({"a": None, "b": ""}, "The variable a must be a text, a number, true or false."),
        ({"a": ["x"], "b": ""}, "The variable a must be a text, a number, true or false."),
    ],
)
def test_other_values_than_those_that_are_needed_are_named(values: dict[str, Any], told: str) -> None:
    with pytest.raises(TemplateError, match=told.replace(".", r"\.")):
        said("{{b}}{{a}}", **values)


@pytest.mark.parametrize(
    ("version", "number"),
    [(None, 2), ("production", 2), ("staging", 3), (1, 1), ("1", 1), ("03", 3)],
)
def test_a_version_is_a_number_or_a_label(version: object, number: int) -> None:
    assert chosen(version, {"production": 2, "staging": 3}, newest=3) == number


def test_without_a_label_the_newest_version_counts() -> None:
    assert chosen(None, {"staging": 1}, newest=3) == 3


@pytest.mark.parametrize("version", [0, -1, 4, "4", "9" * 5000, 10**40, "beta", "", True, 1.0, [1], {"a": 1}, "²"])
def test_a_version_that_there_is_not_is_none(version: object) -> None:
    with pytest.raises(TemplateError, match="version"):
        chosen(version, {"production": 2}, newest=3)
    with pytest.raises(TemplateError, match="no version yet"):
        chosen(None, {}, newest=0)
