"""Which patterns guardrails can have."""

import pytest

from integration.guarding.patterns import UnusablePattern, require_usable


@pytest.mark.parametrize("pattern", ["(a+)+$", r"\bINV-[0-9]{1,9}\b", "(?i)geheim", "ä|ö", r"\x{200B}", r"\\C"])
def test_ordinary_patterns_can_be_used(pattern: str) -> None:
    require_usable(pattern)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "missing )"),
        ("a{2000}", "invalid repetition size"),
        (r"(a)\1", "invalid escape sequence"),
        ("(?=a)", "invalid perl operator"),
        ("a*", "empty"),
        ("", "empty"),
        (r"\b", "empty"),
        ("x?$", "empty"),
        (r"\C", "part of a character"),
        ("a" * 1001, "1000 characters"),
        (r"(?:\pL{1,30}){1,30}x", "large"),
        ("\ud800", ""),
    ],
)
def test_others_are_refused_with_a_reason(pattern: str, reason: str) -> None:
    with pytest.raises(UnusablePattern, match=None if not reason else reason.replace("(", r"\(").replace(")", r"\)")):
        require_usable(pattern)
