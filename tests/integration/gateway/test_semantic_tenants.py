"""The semantic cache between tenants: no call, and no dispute, reaches what is another project's or organization's."""

from collections.abc import AsyncIterator

import openai
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from tests.integration.gateway.configuring import SetUp
from tests.integration.gateway.meaning import ASKED, SAME, Asker, compares
from tests.integration.gateway.platform import Platform
from tests.integration.gateway.scripted import Scripted
from tests.integration.organizations import MakeOrg, Org


@pytest_asyncio.fixture
async def stranger(
    platform: Platform, make_org: MakeOrg, redis_client: Redis, first: Scripted, embedder: Scripted
) -> AsyncIterator[Asker]:
    """Somebody of another organization, with the same providers, models and policy."""
    other = SetUp(make_org.connection, redis_client, await make_org())
    await other.provider("one", first.url)
    await other.model("small", "one", price="1")
    await other.provider("meaning", embedder.url)
    await other.model("meanings", "meaning", price="0.1")
    await compares(other)
    yield Asker(platform, other.org)


@pytest_asyncio.fixture
async def neighbour(platform: Platform, make_org: MakeOrg, org: Org) -> Asker:
    """Somebody of another project of the same organization."""
    return Asker(platform, await make_org.another_project(org))


async def forget(asker: Asker, entry: str) -> object:
    return await asker.platform.client(asker.org).delete(f"/cache/entries/{entry}", cast_to=object)


@pytest.mark.usefixtures("first")
async def test_nobody_gets_the_answer_of_another_tenant(
    set_up: SetUp, asker: Asker, stranger: Asker, neighbour: Asker, embedder: Scripted
) -> None:
    await compares(set_up)
    await asker.ask()

    for other in (stranger, neighbour):
        assert await other.ask(SAME) == "miss"
        assert await other.ask("How do I actually cancel my current subscription?") == "hit semantic"
    assert await asker.ask(SAME) == "hit semantic"
    # Vectors are an organization's own: what another one asked is not told by what a call costs.
    assert embedder.embedded.count(SAME) == 2


@pytest.mark.usefixtures("first", "embedder")
async def test_nobody_forgets_an_entry_of_another_tenant(
    set_up: SetUp, asker: Asker, stranger: Asker, neighbour: Asker
) -> None:
    await compares(set_up, "shadow")
    await asker.ask()
    await asker.ask(SAME)
    entry = asker.headers["x-llmo-cache-entry"]

    for other in (stranger, neighbour):
        with pytest.raises(openai.NotFoundError, match="no such entry"):
            await forget(other, entry)
    assert await forget(asker, entry) == {"id": entry, "object": "cache.entry", "deleted": True}
    with pytest.raises(openai.NotFoundError):
        await forget(asker, entry)


@pytest.mark.parametrize("entry", ["no-uuid", "01a21bb5-35ec-772a-ba47-9e6022e7a3c2", "../keys", "*"])
async def test_what_is_no_entry_is_not_found(asker: Asker, entry: str) -> None:
    with pytest.raises(openai.NotFoundError):
        await forget(asker, entry)


@pytest.mark.parametrize("api_key", ["sk-nobody", "llmo_nobody"])
async def test_strangers_learn_of_no_entry(platform: Platform, api_key: str) -> None:
    with pytest.raises(openai.AuthenticationError):
        await platform.client_with(api_key).delete(
            "/cache/entries/01a21bb5-35ec-772a-ba47-9e6022e7a3c2", cast_to=object
        )


@pytest.mark.usefixtures("first", "embedder")
async def test_a_disputed_pair_is_not_matched_again_whichever_is_asked_first(set_up: SetUp, asker: Asker) -> None:
    await compares(set_up)
    await asker.ask()
    assert await asker.ask(SAME) == "hit semantic"
    await forget(asker, asker.headers["x-llmo-cache-entry"])

    assert await asker.ask(SAME) == "miss"  # and stored
    for once, then, limit in ((ASKED, SAME, 9), (SAME, ASKED, 10)):
        assert await asker.ask(once, max_tokens=limit) == "miss"
        assert await asker.ask(then, max_tokens=limit) == "miss"
    assert (
        await asker.ask("How do I actually cancel my current subscription?") == "hit semantic"
    )  # others are as before
    apart = await asker.keys("*:apart:*")
    assert [29 * 86_400 < await asker.platform.redis.ttl(name) <= 30 * 86_400 for name in apart] == [True, True]
