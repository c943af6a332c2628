"""Questions without the courtesy around them."""

import re
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from integration.gateway.canonical import LONGEST, canonical, code, levelled
from tests.load.semantic_cache.pairs import Kind, Pair, read_all

# What code is, as one pattern; it takes the square of the time.
CODE = re.compile(
    r"\S*(?:\w[._/:]\w|\w_\w|[{}()\[\]<>=|&*^~#\\]|\+\+|--|//)\S*|\b[a-z]+[A-Z]\w*|\S+\s[/%]\s\S+", re.DOTALL
)
QUESTION = {"role": "user", "content": "Hello, what is a monad?"}


def same(pair: Pair) -> bool:
    return canonical(pair.first) == canonical(pair.second)


def test_no_two_questions_that_mean_something_else_have_the_same_form() -> None:
    others = [pair for pair in read_all() if not pair.kind.same]
    assert len(others) > 300
    assert [pair for pair in others if same(pair)] == []


@pytest.mark.parametrize("kind", [Kind.PARAPHRASE, Kind.FRESH_PARAPHRASE])
def test_some_that_mean_the_same_have(kind: Kind) -> None:
    pairs = [pair for pair in read_all() if pair.kind is kind]
    assert sum(map(same, pairs)) / len(pairs) > 0.12


def test_case_courtesy_articles_and_number_words_are_levelled() -> None:
    assert canonical("Hi there! Can you please tell me what the three laws are? Thanks a lot!") == canonical(
        "what 3 laws are"
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("what does `a + b` do", "what does `a - b` do"),
        ("is 3 more than 2", "is 2 more than 3"),
        ("from Rome to Oslo", "from Oslo to Rome"),
        ("is it not on", "is it on"),
        ('say "Hello"', 'say "hello"'),
        ("5 degrees", "-5 degrees"),
        ("What is DOS?", "What is two?"),
        ("What is an elf?", "What is eleven?"),
        ("What is a second?", "What is II?"),
        ("What is a cent?", "What is 100?"),
        ("Who is the premier of Quebec?", "Who is the first of Quebec?"),
        ("Does hepatitis A spread", "Does hepatitis spread"),
        ("What is vitamin A", "What is vitamin"),
        ("what is 5!", "what is 5"),
        ("what is 10-5", "what is 10 5"),
        ("what is 10 - 5", "what is 10 5"),
    ],
)
def test_what_may_matter_stays(first: str, second: str) -> None:
    assert canonical(first) != canonical(second)


@pytest.mark.parametrize(
    "changes",
    [
        {"n": 2},
        {"tools": [{}]},
        {"functions": [{}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "hello"}]}]},
        {"messages": [{"role": "user", "content": [{"type": "image_url"}]}, QUESTION]},
        {"messages": [QUESTION, {"role": "assistant", "content": "hello"}]},
        {"messages": [{"role": "user", "content": "x" * (LONGEST + 1)}]},
        {"messages": [{"role": "user", "content": "one\ntwo"}]},
        {"messages": [{"role": "user", "content": ""}]},
        {"messages": [{"role": "user", "content": "please"}]},
        {"messages": [{"role": "user"}]},
    ],
)
def test_some_calls_have_no_form(changes: dict[str, Any]) -> None:
    assert levelled({"messages": [QUESTION], **changes}, any_temperature=True) is None


@pytest.mark.parametrize(
    ("temperature", "has_form"), [(0, True), (0.3, True), (0.31, False), (None, False), ("0", False)]
)
def test_a_warm_call_has_none_unless_any_will_do(temperature: object, has_form: object) -> None:
    call = {"messages": [QUESTION], "temperature": temperature}
    assert (levelled(call, any_temperature=False) is not None) is has_form
    assert levelled(call, any_temperature=True) is not None


def test_only_the_last_message_is_levelled() -> None:
    call = {"messages": [QUESTION, {"role": "assistant", "content": "Hello"}, QUESTION], "model": "m"}
    made = levelled(call, any_temperature=True)
    assert made is not None
    assert made["messages"][:2] == call["messages"][:2]
    assert made["messages"][2]["content"] == canonical("what is a monad")


@given(text=st.text(st.sampled_from("abAB1é ._/:%+-('\n\t\x1f"), max_size=24) | st.text(max_size=24))
@example("fooBar / b")
@example("x'fooBar' / a.b c / d")
@example("a-fooBar % b")
def test_code_is_what_one_pattern_says(text: str) -> None:
    assert code(text) == CODE.findall(text)


@pytest.mark.parametrize("text", ["x", "xX", "a'", "a /", "é"])
def test_a_long_message_without_blanks_is_read_in_a_time_that_grows_with_it(text: str) -> None:
    def seconds(length: int) -> float:
        long, taken = text * (length // len(text)), []
        for _ in range(3):
            began = time.process_time()
            code(long)
            taken.append(time.process_time() - began)
        return min(taken)

    assert seconds(100_000) < 1  # by the pattern, minutes
