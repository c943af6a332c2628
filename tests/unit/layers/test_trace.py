import asyncio

import pytest

from llmo_core.trace import current_traceparent, enter_trace, parse_traceparent

VALID = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize("text", [VALID, VALID.replace("-01", "-00"), VALID.replace("00-", "01-", 1)])
def test_a_valid_traceparent_is_kept_as_it_is(text: str) -> None:
    assert parse_traceparent(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        VALID.upper(),
        VALID + "-x",
        VALID + "\n",
        VALID[:-1],
        VALID.replace("00-", "ff-", 1),
        VALID.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32),
        VALID.replace("b7ad6b7169203331", "0" * 16),
    ],
)
def test_an_invalid_one_is_passed_on_to_nobody(text: str) -> None:
    assert parse_traceparent(text) is None


async def test_each_task_has_a_trace_of_its_own() -> None:
    async def request(traceparent: str | None) -> str | None:
        enter_trace(traceparent)
        await asyncio.sleep(0)
        return current_traceparent()

    assert await asyncio.gather(*(asyncio.create_task(request(each)) for each in (VALID, None))) == [VALID, None]
    assert current_traceparent() is None
