"""A call that names a region: its text is embedded there or not at all."""

import pytest

from tests.integration.gateway.configuring import SetUp
from tests.integration.gateway.meaning import ASKED, SAME, Asker, compares
from tests.integration.gateway.scripted import scripted


@pytest.mark.usefixtures("first")
@pytest.mark.parametrize(("region", "compared"), [("eu", True), ("us", False), (None, False)])
async def test_a_call_that_names_a_region_is_embedded_there_or_not_at_all(
    set_up: SetUp, asker: Asker, region: str | None, *, compared: bool
) -> None:
    async with scripted("placed") as placed:
        await set_up.provider("placed", placed.url, region=region)
        await set_up.model("placed meanings", "placed", price="0.1")
        await compares(set_up, semantic_embedding_model="placed meanings")
        named = {"x-llmo-region": "eu"}

        assert [await asker.ask(question, headers=named) for question in (ASKED, SAME)] == [
            "miss",
            "hit semantic" if compared else "miss",
        ]
        assert placed.embedded == ([ASKED, SAME] if compared else [])


@pytest.mark.usefixtures("first")
async def test_a_call_that_names_a_region_is_not_embedded_by_the_deployments_own_provider(
    set_up: SetUp, asker: Asker
) -> None:
    await compares(set_up, "shadow", semantic_embedding_model="text-embedding-3-small")

    assert await asker.ask(headers={"x-llmo-region": "eu"}) == "miss"
    assert asker.last["embedding_usd"] is None
