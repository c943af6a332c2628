"""What a policy makes of a call, and what it never touches."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.gateway.optimizing import optimize
from integration.gateway.organization import Policy

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
words = st.builds(
    lambda role, content: {"role": role, "content": content},
    st.sampled_from(["system", "developer", "user", "assistant"]),
    texts,
)
tools = st.just({"role": "tool", "tool_call_id": "c", "content": "42"})
asking = st.just({"role": "assistant", "content": None, "tool_calls": [{"id": "c", "type": "function"}]})
conversations = st.lists(st.one_of(words, words, tools, asking), min_size=1, max_size=12)
policies = st.builds(
    Policy,
    compact=st.booleans(),
    trim_to_tokens=st.none() | st.integers(1, 100),
    max_output_tokens=st.none() | st.integers(1, 100),
    prompt_cache=st.booleans(),
)


def chat(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": list(messages), **fields}


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


@given(messages=conversations, policy=policies)
def test_instructions_and_the_last_turn_stay_and_the_order_too(messages: list[dict[str, Any]], policy: Policy) -> None:
    body = chat(*messages, temperature=0.5, future_field={"x": 1})

    optimized = optimize(body, policy, owner="p")

    kept = optimized.body["messages"]
    assert kept
    assert body == chat(*messages, temperature=0.5, future_field={"x": 1})
    assert {name: optimized.body[name] for name in ("model", "temperature", "future_field")} == {
        name: body[name] for name in ("model", "temperature", "future_field")
    }
    remaining = iter(messages)
    assert all(any(_says(message, original) for original in remaining) for message in kept)
    if not policy.compact:
        of_system = [message for message in messages if message["role"] in {"system", "developer"}]
        assert [message for message in kept if message["role"] in {"system", "developer"}] == of_system
        assert kept[-1] == messages[-1]
    results = [number for number, message in enumerate(kept) if message["role"] == "tool"]
    asked = [number for number, message in enumerate(messages) if message["role"] == "tool"]
    assert len(results) == len(asked) or policy.trim_to_tokens is not None
    if not (policy.compact and policy.trim_to_tokens):  # what is left out may bring equal messages together
        assert optimize(optimized.body, policy, owner="p").body == optimized.body


def _says(message: dict[str, Any], original: dict[str, Any]) -> bool:
    said, meant = message.get("content"), original.get("content")
    if isinstance(said, str) and isinstance(meant, str):
        return message["role"] == original["role"] and said.split() == meant.split()
    return message == original


def test_blanks_that_say_nothing_are_left_out_and_indentation_stays() -> None:
    code = "def f():\n    return 1   \n\n\n\nprint(f())\t\n"
    optimized = optimize(chat(user(code), user([{"type": "text", "text": code}])), Policy(compact=True), owner="p")

    tidy = "def f():\n    return 1\n\nprint(f())\n"
    assert [message["content"] for message in optimized.body["messages"]] == [tidy, [{"type": "text", "text": tidy}]]
    (step,) = optimized.steps
    assert (step.name, step.input_tokens) == ("compact", 4)
    assert step.reason == "blanks at line ends and runs of blank lines are left out"


def test_a_message_that_repeats_the_one_before_is_left_out_but_no_call_of_a_tool() -> None:
    call = {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "type": "function"}]}
    result = {"role": "tool", "tool_call_id": "c", "content": "same"}
    body = chat(user("the same long question"), user("the same long question"), call, call, result, result)

    optimized = optimize(body, Policy(compact=True), owner="p")

    assert optimized.body["messages"] == [user("the same long question"), *body["messages"][2:]]
    assert optimized.steps[0].reason.endswith("; of messages that repeat the one before: 1")


def test_the_oldest_turns_go_with_their_answers_and_tools() -> None:
    system, old = {"role": "system", "content": "Be kind."}, "x" * 400
    call = {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "type": "function"}]}
    result = {"role": "tool", "tool_call_id": "c", "content": old}
    body = chat(system, user(old), call, result, {"role": "assistant", "content": "old"}, user("new"))

    optimized = optimize(body, Policy(trim_to_tokens=60), owner="p")

    assert optimized.body["messages"] == [system, user("new")]
    assert optimized.steps[0].input_tokens > 200
    assert optimized.steps[0].reason == "the 1 oldest of 2 turns are left out to come to 60 tokens"


def test_a_last_turn_that_is_too_long_stays() -> None:
    body = chat(user("x" * 4000))
    assert optimize(body, Policy(trim_to_tokens=10), owner="p").body == body


def test_images_are_no_text() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 100_000}}
    body = chat(user([image, {"type": "text", "text": "what is this?"}]), user("and this?"))
    assert optimize(body, Policy(trim_to_tokens=100), owner="p").body == body


@pytest.mark.parametrize(
    ("given_", "sent"),
    [
        ({}, {"max_completion_tokens": 10}),
        ({"max_tokens": 50}, {"max_tokens": 10}),
        ({"max_tokens": 5}, {"max_tokens": 5}),
        ({"max_completion_tokens": 50, "max_tokens": 60}, {"max_completion_tokens": 10, "max_tokens": 10}),
    ],
)
def test_an_answer_is_no_longer_than_the_policy_allows(given_: dict[str, int], sent: dict[str, int]) -> None:
    optimized = optimize(chat(user("hi"), **given_), Policy(max_output_tokens=10), owner="p")
    assert {
        name: optimized.body[name] for name in ("max_completion_tokens", "max_tokens") if name in optimized.body
    } == sent


def test_the_same_beginning_has_the_same_prompt_cache_key_and_only_for_its_owner() -> None:
    system = {"role": "system", "content": "Be kind."}

    def key(*messages: dict[str, Any], owner: str = "p", **fields: Any) -> str:
        body = optimize(chat(*messages, **fields), Policy(prompt_cache=True), owner=owner).body
        return str(body["prompt_cache_key"])

    assert key(system, user("a")) == key(system, user("b"))
    others = {key(system, user("a"), owner="q"), key(user("a")), key(system, user("a"), tools=[{}])}
    assert key(system, user("a")) not in others
    assert key(system, user("a"), prompt_cache_key="mine") == "mine"
