"""The `bootstrap` function: an operator invokes it once after the first deployment; the laptop stack seeds with it."""

from typing import Any

from auth.accounts import wiring
from auth.accounts.schemas import Bootstrap
from llmo_core.cold_starts import Counting
from llmo_core.loop import run
from llmo_core.observability import logger


@Counting
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Create the first organization, its project, its owner and an API key with every permission.

    `{"organization", "email", "password"[, "project"][, "monthly_budget_usd"]}` answers
    `{"org_id", "project_id", "user_id", "key_id", "api_key"}`. Safe to repeat: for an e-mail address that has an
    account already nothing changes, and `api_key` is null.
    """
    request = Bootstrap.model_validate(event)
    account = run(wiring.account_service().open(**request.model_dump()))
    logger().info("bootstrapped", extra={"org_id": str(account.org_id), "new": account.api_key is not None})
    return account.model_dump(mode="json")
