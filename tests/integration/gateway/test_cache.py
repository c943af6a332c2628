"""Which calls share an answer: those of the same form, those of a key, and none any more after a purge."""

from typing import Any

import openai
import pytest

from llmo_core.ids import new_id
from tests.integration.gateway.configuring import SetUp
from tests.integration.gateway.platform import Platform
from tests.integration.gateway.scripted import Scripted


class Asker:
    """Somebody who asks one question after the other."""

    def __init__(self, platform: Platform, set_up: SetUp) -> None:
        self._client = platform.client(set_up.org)

    async def ask(self, question: str = "Which country is Lima in?", **changes: Any) -> tuple[str, str]:
        """What the cache did for a question, and how it found the answer."""
        messages = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": question}]
        cache = changes.pop("cache", None)
        call = {"model": "small", "messages": messages, "extra_headers": {"x-llmo-cache": cache} if cache else {}}
        answer = await self._client.chat.completions.with_raw_response.create(**{**call, **changes})
        return answer.headers["x-llmo-cache"], answer.headers.get("x-llmo-cache-match", "")


@pytest.fixture
def asker(platform: Platform, set_up: SetUp) -> Asker:
    return Asker(platform, set_up)


async def test_questions_of_the_same_form_share_an_answer_where_the_policy_says_so(
    platform: Platform, set_up: SetUp, asker: Asker, first: Scripted
) -> None:
    await set_up.policy(cache="form", cache_any_temperature=True)

    assert await asker.ask() == ("miss", "")
    assert await asker.ask("Hi! Could you please tell me which country Lima is in?") == ("miss", "")
    assert await asker.ask("hello, which country is lima in? Thanks") == ("hit", "form")
    assert await asker.ask() == ("hit", "exact")
    assert len(first.calls) == 2
    matches = [event["data"]["cache_match"] for event in platform.usage(set_up.org)]
    assert matches == [None, None, "form", "exact"]


@pytest.mark.usefixtures("first")
@pytest.mark.parametrize(
    "changes",
    [
        {"messages": [{"role": "user", "content": "which country is lima in"}]},
        {"temperature": 0.2},
        {"max_tokens": 7},
        {"cache": "exact"},
        {"cache": "no-cache"},
        {"n": 2},
        {"question": "which country is Lima not in?"},
    ],
)
async def test_what_makes_another_call_makes_another_answer(
    set_up: SetUp, asker: Asker, changes: dict[str, Any]
) -> None:
    await set_up.policy(cache="form", cache_any_temperature=True)
    await asker.ask()

    assert await asker.ask(**{"question": "which country is lima in", **changes}) == ("miss", "")


@pytest.mark.usefixtures("first")
async def test_who_wants_another_answer_each_time_gets_one_for_another_form(set_up: SetUp, asker: Asker) -> None:
    await set_up.policy(cache="form")

    for temperature, found in ((1, ("miss", "")), (None, ("miss", "")), (0.3, ("hit", "form"))):
        await asker.ask(temperature=temperature)
        assert await asker.ask("please: which country is lima in", temperature=temperature) == found


@pytest.mark.usefixtures("first")
async def test_a_key_has_rules_of_its_own(set_up: SetUp, asker: Asker) -> None:
    await set_up.policy(set_up.org.project_id, cache="off")
    assert await asker.ask() == ("off", "")

    await set_up.policy(key_id=set_up.org.key_id, cache_namespace="mine")
    assert [await asker.ask() for _ in range(2)] == [("miss", ""), ("hit", "exact")]
    named = {"x-llmo-cache-namespace": "other"}
    assert [await asker.ask(extra_headers=named) for _ in range(2)] == [("miss", ""), ("hit", "exact")]


@pytest.mark.usefixtures("first")
async def test_no_call_names_its_way_into_the_namespace_of_another_key(set_up: SetUp, asker: Asker) -> None:
    named = {"x-llmo-cache-namespace": "mine"}
    await asker.ask(extra_headers=named)

    await set_up.policy(set_up.org.project_id, cache_namespace="mine")
    assert [await asker.ask() for _ in range(2)] == [("miss", ""), ("hit", "exact")]

    await set_up.policy(key_id=set_up.org.key_id, cache_namespace="other")
    assert [await asker.ask(extra_headers=named) for _ in range(2)] == [("miss", ""), ("hit", "exact")]


@pytest.mark.usefixtures("first")
async def test_what_is_purged_is_not_found(set_up: SetUp, asker: Asker) -> None:
    await set_up.policy(cache="form", cache_any_temperature=True)
    await asker.ask()

    await set_up.purge(new_id())  # of another project
    assert await asker.ask("WHICH COUNTRY IS LIMA IN") == ("hit", "form")

    for project in (set_up.org.project_id, None):
        await set_up.purge(project)
        assert await asker.ask("WHICH COUNTRY IS LIMA IN") == ("miss", "")
        assert await asker.ask("which country is lima in") == ("hit", "form")


@pytest.mark.usefixtures("first")
async def test_an_unknown_wish_names_what_there_is(asker: Asker) -> None:
    with pytest.raises(openai.BadRequestError, match="no-cache, no-store, only-if-cached or exact"):
        await asker.ask(cache="semantic")
