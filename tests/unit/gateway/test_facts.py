"""What the spelling of two messages says about them, on the pairs that the guards were measured with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.gateway.facts import Facts, Wording, agree, facts, in_latin_script
from tests.load.semantic_cache.guards import GUARDS
from tests.load.semantic_cache.pairs import Kind, Pair, read_all

# What spelling alone lets pass, whatever a model says of it (docs/adr/0019): an upper bound of what may go wrong.
MOST_FALSE = 6


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
    assert not any(pair.category == "negation" for pair in passing)  # can dogs, do dogs


@pytest.mark.parametrize("kind", [Kind.PARAPHRASE, Kind.FRESH_PARAPHRASE])
def test_a_quarter_of_the_pairs_that_mean_the_same_passes(kind: Kind) -> None:
    pairs = [pair for pair in read_all() if pair.kind is kind]
    assert sum(map(pass_together, pairs)) / len(pairs) > 0.25


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
        ("How do I log in to my account?", "How do I log out of my account?"),
        ("Where do I sign in?", "Where do I sign up?"),
        ("How do I opt in to emails?", "How do I opt out of emails?"),
        ("How do I turn it on?", "How do I turn it off?"),
        ("Convert it to PDF", "Convert it from PDF"),
        ("Flights to Paris", "Flights from Paris"),
        ("Flights from Rome to Oslo", "Flights to Rome from Oslo"),
        ("Transfer money to my savings account", "Transfer money from my savings account"),
        ("How do I send money from me to you?", "How do I send money from you to me?"),
        ("Must I take the pill with food?", "Can I take the pill with food?"),
        ("Can I take the pill?", "Can't I take the pill?"),
        ("Do I have to take the pill?", "May I take the pill?"),
        ("How can I pay?", "How should I pay?"),
        ("Should I take the pill with food?", "Should I take the pill without food?"),
        ("What is your name?", "What is my name?"),
        ("May I combine aspirin and ibuprofen?", "May I combine aspirin or ibuprofen?"),
        ("Was it written by my lawyer?", "Was it written to my lawyer?"),
        ("What is her address?", "What is his address?"),
        ("Which is the best phone?", "Which is the worst phone?"),
        ("Ist das gut?", "Ist das schlecht?"),
        ("Flüge nach Paris", "Flüge von Paris"),
        ("Muss ich zahlen?", "Darf ich zahlen?"),
        ("Wie heißt dein Hund?", "Wie heißt mein Hund?"),
        ("Vols vers Paris", "Vols de Paris"),
        ("Dois-je payer ?", "Puis-je payer ?"),
        ("Quel est votre nom ?", "Quel est mon nom ?"),
        ("Vuelos a París", "Vuelos de París"),
        ("¿Debo pagar?", "¿Puedo pagar?"),
        ("¿Cuál es tu nombre?", "¿Cuál es mi nombre?"),
    ],
)
def test_single_facts_keep_messages_apart(first: str, second: str) -> None:
    assert facts(first).key != facts(second).key


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("How do I cancel my subscription?", "How can I cancel my subscription?"),
        ("How to cancel my subscription?", "I'd like to know how I cancel my subscription."),
        ("What's the best way to learn SQL?", "How do I learn SQL?"),
        ("Do I need to pay?", "Do I have to pay?"),
        ("Wie kann ich mein Passwort ändern?", "Wie mein Passwort ändern?"),
        ("Comment changer mon mot de passe ?", "Comment puis-je changer mon mot de passe ?"),
        ("¿Cómo puedo cambiar mi contraseña?", "¿Cómo cambiar mi contraseña?"),
    ],
)
def test_ways_to_begin_a_question_keep_nobody_apart(first: str, second: str) -> None:
    one, other = facts(first), facts(second)
    assert one.key == other.key
    assert agree(one.wording, other.wording)


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
