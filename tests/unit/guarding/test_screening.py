"""What guardrails find in texts, and what they make of them."""

import time
import tracemalloc
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.guarding.personal_data import luhn
from integration.guarding.rules import Action, Kind, Pii, Rule, Stage, Triggered
from integration.guarding.screening import Screen, Screened

ALL = tuple(Pii)
SECRETS = {
    Pii.EMAIL: "ada.lovelace+x@mail.example.co.uk",
    Pii.PHONE: "+49 (0)30 1234567",
    Pii.CREDIT_CARD: "4111 1111 1111 1111",
    Pii.IBAN: "DE89 3704 0044 0532 0130 00",
    Pii.IP_ADDRESS: "192.168.10.254",
    Pii.US_SSN: "123-45-6789",
    Pii.SECRET: "sk-proj-abcdefghijklmnopqrstuvwx",
}


def rule(kind: Kind, action: Action = Action.MASK, name: str = "Rule", **fields: object) -> Rule:
    return Rule(**{"name": name, "stage": Stage.BOTH, "kind": kind, "action": action, **fields})  # type: ignore[arg-type]


def stopped() -> float:
    """A timer by which nothing takes any time: how busy the machine is says nothing about the code."""
    return 0.0


def look(*rules: Rule, texts: tuple[str, ...]) -> Screened:
    return Screen(rules, timer=stopped).look(texts, Stage.INPUT)


def masked(text: str, *rules: Rule) -> str:
    return look(*(rules or (rule(Kind.PII, pii=ALL),)), texts=(text,)).texts[0]


@pytest.mark.parametrize("kind", ALL)
def test_each_kind_is_masked_by_its_name_and_nothing_else_changes(kind: Pii) -> None:
    assert masked(f"before {SECRETS[kind]}, after", rule(Kind.PII, pii=(kind,))) == f"before {kind.label}, after"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Pii.CREDIT_CARD, "4111 1111 1111 1112"),
        (Pii.CREDIT_CARD, "1732650000000"),
        (Pii.CREDIT_CARD, "41111111111111111111111"),
        (Pii.IBAN, "DE88 3704 0044 0532 0130 00"),
        (Pii.IP_ADDRESS, "version 1.2.3, at 12:30, in std::vector"),
        (Pii.IP_ADDRESS, "999.1.1.1"),
        (Pii.US_SSN, "000-12-3456 and 666-12-3456 and 912-12-3456"),
        (Pii.EMAIL, "a@b, @home, 10@3"),
        (Pii.PHONE, "2026-11-26 10:00, 3.14159265358, 123456789"),
        (Pii.SECRET, "risk-free sk-short AKIA"),
    ],
)
def test_what_only_looks_like_it_stays(kind: Pii, text: str) -> None:
    assert masked(text, rule(Kind.PII, pii=(kind,))) == text


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111111",
        "4111-1111-1111-1111",
        "card4111111111111111.",
        "4\u200d1\u200d1\u200d1\u200d1111 1111 1111",
        "4111\u00a01111\u20111111\u20091111",
        "\uff14\uff11\uff11\uff11 1111 1111 1111",
        "1234 4111 1111 1111 1111 123",
        "3782 822463 10005",
    ],
)
def test_a_card_is_found_however_it_is_written(text: str) -> None:
    found = masked(text, rule(Kind.PII, pii=(Pii.CREDIT_CARD,)))
    assert "[CREDIT_CARD]" in found
    assert "1111" not in found.replace("1234", "")
    assert "822463" not in found


def test_a_private_key_goes_to_its_end_also_when_that_is_missing() -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIE-x\n"
    assert masked(f"a {key}-----END RSA PRIVATE KEY----- b") == "a [SECRET] b"
    assert masked(f"a {key}") == "a [SECRET]"


@given(st.text(), st.sampled_from(ALL), st.text())
def test_nothing_of_a_secret_remains(before: str, kind: Pii, after: str) -> None:
    secret = SECRETS[kind]
    assert secret not in masked(f"{before} {secret} {after}")


@given(
    st.text() | st.lists(st.sampled_from([*SECRETS.values(), "1.2.3.", "4", "@", " ", "-", "a", "[", "]"])).map("".join)
)
def test_masking_what_is_masked_changes_nothing(text: str) -> None:
    rules = (rule(Kind.PII, pii=ALL), rule(Kind.DENY, name="email", words=("email", "credit_card", "a")))
    once = masked(text, *rules)
    assert masked(once, *rules) == once


@given(st.text(alphabet=st.characters(exclude_categories=("Cs", "Nd"), exclude_characters="@:-_")))
def test_a_text_without_matches_is_the_same(text: str) -> None:
    assert masked(text) == text


@given(st.integers(10**15, 10**16 - 1).map(str))
def test_only_what_luhn_accepts_is_a_card(digits: str) -> None:
    found = masked(digits, rule(Kind.PII, pii=(Pii.CREDIT_CARD,)))
    assert (found == "[CREDIT_CARD]") == (luhn(digits.encode()) and digits[0] in "23456")


def test_places_that_overlap_are_masked_once() -> None:
    rules = (rule(Kind.PATTERN, name="One", pattern="abcd"), rule(Kind.PATTERN, name="Two", pattern="cdef"))
    assert masked("xabcdefx", *rules) == "x[ONE]x"


def test_blocking_comes_before_masking_and_masking_before_flagging() -> None:
    email, flag = rule(Kind.PII, name="Mail", pii=(Pii.EMAIL,)), rule(Kind.DENY, Action.FLAG, "Tell", words=("mail",))
    block = rule(Kind.PATTERN, Action.BLOCK, "Stop", pattern="(?i)stop")
    text = "stop the mail of a@example.org"
    blocked = look(email, flag, block, texts=("fine", text))
    assert (blocked.blocked, blocked.texts) == (block, ("fine", text))
    assert [(found.name, found.action) for found in blocked.triggered] == [
        ("Mail", Action.MASK),
        ("Tell", Action.FLAG),
        ("Stop", Action.BLOCK),
    ]
    assert look(email, flag, texts=(text,)).texts == ("stop the mail of [EMAIL]",)


def test_words_are_found_whole_in_any_case_and_with_any_blanks() -> None:
    secret = rule(Kind.DENY, name="Project X", words=("blue  moon", "\u00fcber", "foo", "foobar"))
    for text in ("Blue\nMOON", "b\u200blue moon", "\u00dcBER", "foobar", "foo foo"):
        assert masked(f"({text})", secret).startswith("([PROJECT_X]"), text
    for text in ("blue moons", "xblue moon", "\u00fcbers", "foobarx", "fo"):
        assert masked(text, secret) == text
    assert masked("foo foo,foobar", secret) == "[PROJECT_X] [PROJECT_X],[PROJECT_X]"


def test_an_allow_list_asks_for_one_match_in_any_text() -> None:
    allow = rule(Kind.ALLOW, Action.BLOCK, "Billing", words=("invoice",), pattern="INV-[0-9]+")
    assert look(allow, texts=("hello", "about my Invoice")).blocked is None
    assert look(allow, texts=("hello", "INV-7")).triggered == ()
    refused = look(allow, texts=("hello", "invoices"))
    assert (refused.blocked, refused.triggered) == (allow, (Triggered("Billing", Stage.INPUT, Action.BLOCK),))
    assert look(allow, texts=()).blocked == allow


def test_a_guardrail_of_one_stage_does_not_look_at_the_other() -> None:
    answers = rule(Kind.PII, stage=Stage.OUTPUT, pii=ALL)
    assert masked("a@example.org", answers) == "a@example.org"


def test_an_evil_pattern_takes_no_time() -> None:
    started = time.process_time()
    assert look(rule(Kind.PATTERN, Action.BLOCK, pattern="(a+)+$"), texts=("a" * 100_000 + "!",)).blocked is None
    assert time.process_time() - started < 1


def test_what_cannot_be_looked_at_in_time_is_blocked() -> None:
    slow = rule(Kind.PATTERN, Action.MASK, pattern="a.*z|a")
    seconds = count(0, 1)
    screened = Screen([slow], timer=lambda: float(next(seconds))).look(["a" * 1000], Stage.INPUT)
    assert screened == Screened(("a" * 1000,), (Triggered("Rule", Stage.INPUT, Action.BLOCK),), slow)


def test_empty_places_are_no_matches() -> None:
    assert masked("b\u00e4b", rule(Kind.PATTERN, pattern=r"\b")) == "b\u00e4b"
    assert masked("b\u00e4a", rule(Kind.PATTERN, pattern="a*")) == "b\u00e4[RULE]"


@pytest.mark.parametrize("between", ["", " ", " a "])
def test_a_text_full_of_masks_takes_little_memory(between: str) -> None:
    full = f"[EMAIL]{between}" * 150_000
    screen = Screen([rule(Kind.PII, pii=(Pii.EMAIL,))], timer=stopped)
    screen.look(["warm"], Stage.INPUT)
    tracemalloc.start()
    try:
        found = screen.look([f"{full} a@example.org {full}"], Stage.INPUT)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    masked_once = found.texts == (f"{full} [EMAIL] {full}",)
    assert masked_once  # a difference of texts that long takes an hour to be shown
    assert peak < 10 * len(found.texts[0])


def test_only_what_lies_in_masks_is_masked_already() -> None:
    words = rule(Kind.DENY, name="b", words=("b][b", "c] [c", "b"))
    assert masked("[B][B]", words) == "[B][B]"
    assert masked("[B][B] b[B] [B]", words) == "[B][B] [B][B] [B]"
    assert masked("[B] [C] [C]", words) == "[B] [[B]]"
