"""The headers of an answer."""

import pytest

from integration.gateway.answer_headers import duration


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(0, "0ms"), (999, "999ms"), (1_000, "1s"), (1_500, "1.5s"), (60_000, "1m0s"), (362_250, "6m2.25s")],
)
def test_reset_times_are_written_as_openai_writes_them(milliseconds: int, text: str) -> None:
    assert duration(milliseconds) == text
