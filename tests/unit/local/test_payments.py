"""Who takes payments on a laptop."""

from pathlib import Path

import pytest

from local.payments import StripeAddress, choose_stripe
from local.process import StartError

WEBHOOK = "http://127.0.0.1:8080/webhooks/stripe"


async def test_a_test_key_means_stripe_itself(tmp_path: Path) -> None:
    environment = {
        "STRIPE_API_KEY": "sk_test_mine",
        "STRIPE_WEBHOOK_SECRETS": '["whsec_mine"]',
        "STRIPE_PORTAL": "default",
    }
    address = await choose_stripe(tmp_path, WEBHOOK, environment).start()
    assert address == StripeAddress("", "sk_test_mine", "", '["whsec_mine"]', "default")


@pytest.mark.parametrize("key", ["sk_live_mine", "rk_live_mine"])
async def test_nobody_is_charged_by_a_laptop(tmp_path: Path, key: str) -> None:
    with pytest.raises(StartError, match="live key"):
        await choose_stripe(tmp_path, WEBHOOK, {"STRIPE_API_KEY": key}).start()


async def test_without_a_key_a_stand_in_runs_and_knows_the_next_time_what_it_knew(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "run").mkdir()
    stripe = choose_stripe(tmp_path, WEBHOOK, {})
    address = await stripe.start()
    await stripe.stop()
    assert address.base_url.startswith("http://127.0.0.1:")
    again = choose_stripe(tmp_path, WEBHOOK, {})
    assert await again.start() == address
    await again.stop()
