"""The price refresh through its Lambda handler, with the sample event of `events/`."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from integration.price_editions import packaged
from integration.price_refresh import handler
from integration.price_tables.models import PricesMalformed, PricesRefused, SourceUnavailable
from integration.price_tables.settings import PriceRefreshSettings
from tests.integration.prices.conftest import Source
from tests.integration.prices.test_refresh import absurd, dearer

SAMPLE = Path(__file__).parents[3] / "events" / "PriceRefreshFunction" / "every-day.json"


async def handled(event: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the function answers; it has a loop of its own."""
    return await asyncio.to_thread(handler, event or json.loads(SAMPLE.read_text()), None)


@pytest.fixture
def trusted(settings: PriceRefreshSettings, source: Source, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The system trusts the test's source."""
    assert settings.prices_url == source.url
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "localhost.pem"))


async def test_without_a_source_it_fetches_nothing_and_says_how_one_is_set(
    settings: PriceRefreshSettings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert settings.prices_url
    monkeypatch.setenv("PRICES_URL", "")

    done = await handled()

    assert (done["status"], done["version"]) == ("off", packaged().version)
    assert "PRICES_URL" in caplog.text


@pytest.mark.usefixtures("trusted")
async def test_the_sample_refreshes_the_prices_once(source: Source) -> None:
    source.publish(dearer)

    assert (await handled())["status"] == "refreshed"
    assert (await handled())["status"] == "unchanged"


@pytest.mark.usefixtures("trusted")
async def test_a_refusal_is_logged_with_its_reasons_and_counted_and_can_be_accepted(
    source: Source, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    source.publish(absurd)

    with pytest.raises(PricesRefused):
        await handled()

    (refusal,) = [vars(record) for record in caplog.records if record.levelname == "ERROR"]
    assert refusal["objections"] == len(refusal["first"])
    assert "openai/gpt-4o-mini" in refusal["first"][0]
    assert '"PricesRefused":[1.0]' in capsys.readouterr().out
    assert (await handled({"accept": refusal["digest"]}))["status"] == "refreshed"


@pytest.mark.usefixtures("trusted")
async def test_what_cannot_be_read_is_logged_and_counted(
    source: Source, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    source.document = {}

    with pytest.raises(PricesMalformed):
        await handled()

    assert "the old ones stay" in caplog.text
    assert '"PricesRefused":[1.0]' in capsys.readouterr().out


@pytest.mark.usefixtures("settings")
async def test_a_source_that_is_not_trusted_fails_the_run() -> None:
    with pytest.raises(SourceUnavailable):
        await handled()
