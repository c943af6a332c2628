"""What the spelling of two messages says about them, on the pairs that the guards were measured with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.gateway.facts import Facts, Wording, agree, facts, in_latin_script
from tests.load.semantic_cache.guards import GUARDS
from tests.load.semantic_cache.pairs import Kind, Pair, read_all

# What spelling alone lets pass, whatever a model says of it (docs/adr/0019): an upper bound of what may go wrong.
MOST_FALSE = 11


def pass_together(pair: Pair) -> bool:
    """Whether nothing but a model could tell the two apart."""
    first, second = facts(pair.first), facts(pair.second)
    say_something = first.wording.content and second.wording.content
    return bool(say_something) and first.key == second.key and agree(first.wording, second.wording)


@pytest.mark.parametrize(
    "category", ["number", "date", "unit", "direction", "code", "product", "name", "format", "language"]
)
def test_what_differs_in_a_fact_is_told_apart_without_a_model(category: str) -> None:
    pairs = [pair for pair in read_all() if pair.category == category and not pair.kind.same]
    assert len(pairs) >= 8
    assert [pair for pair in pairs if pass_together(pair)] == []


def test_of_all_pairs_that_mean_something_else_hardly_any_passes() -> None:
    others = [pair for pair in read_all() if not pair.kind.same]
    passing = [pair for pair in others if pass_together(pair)]
    assert len(others) == 310
    assert len(passing) <= MOST_FALSE, passing
    assert sum(pair.category == "negation" for pair in passing) == 1  # can dogs, do dogs


@pytest.mark.parametrize("kind", [Kind.PARAPHRASE, Kind.FRESH_PARAPHRASE])
def test_a_third_of_the_pairs_that_mean_the_same_passes(kind: Kind) -> None:
    pairs = [pair for pair in read_all() if pair.kind is kind]
    assert sum(map(pass_together, pairs)) / len(pairs) > 0.33


def test_the_measured_guards_are_the_products() -> None:
    for pair in read_all():
        first, second = facts(pair.first), facts(pair.second)
        one_by_one = all(guard(first, second) for guard in GUARDS.values())
        assert one_by_one == (first.key == second.key and agree(first.wording, second.wording))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("What is 10% of 50?", "What is 15% of 50?"),
        ("Is the store open on Monday?", "Is the store open on Tuesday?"),
        ("How do I enable dark mode?", "How do I disable dark mode?"),
        ("Is it safe?", "Is it not safe?"),
        ("Is it safe?", "Is it unsafe?"),
        ("What does `a + b` do?", "What does `a - b` do?"),
        ("Flights from Rome to Oslo", "Flights from Oslo to Rome"),
        ("When is the invoice due?", "Why is the invoice due?"),
    ],
)
def test_single_facts_keep_messages_apart(first: str, second: str) -> None:
    assert facts(first).key != facts(second).key


@given(text=st.text(st.characters(codec="utf-8"), max_size=300))
def test_every_text_has_facts_which_agree_with_themselves(text: str) -> None:
    known: Facts = facts(text)
    assert known == facts(text)
    assert known.digest == facts(text).digest
    assert agree(known.wording, known.wording)


@given(first=st.text("ab c", max_size=40), second=st.text("ab c", max_size=40))
def test_agreement_is_mutual(first: str, second: str) -> None:
    one, other = facts(first).wording, facts(second).wording
    assert agree(one, other) == agree(other, one)


def test_neither_may_say_much_more_than_the_other() -> None:
    short, long = Wording(40, ("invoice",)), Wording(101, ("invoice", "pay"))
    assert not agree(short, long)
    assert agree(short, Wording(100, ("invoice", "pay")))
    assert not agree(Wording(300, ("pay",)), Wording(301, ("pay",)))


@pytest.mark.parametrize(
    ("text", "latin"),
    [
        ("Wie kündige ich?", True),
        ("¿Cómo?", True),
        ("Как отменить подписку?", False),
        ("如何取消订阅", False),
        ("42", False),
    ],
)
def test_the_guards_know_latin_script_only(text: str, latin: bool) -> None:  # noqa: FBT001 - a parameter
    assert in_latin_script(text) is latin
