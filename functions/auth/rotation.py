"""The `rotation` function: every hour EventBridge Scheduler has it look whether a new signing key is due."""

from typing import Any

from auth.sign_in import wiring
from llmo_core.cold_starts import Counting
from llmo_core.loop import run
from llmo_core.observability import logger


@Counting
def handler(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Rotate the keys that sign access tokens, when it is time.

    Any event will do; answers `{"made": [kid], "retired": [kid], "published": [kid]}`. An operator invokes it once
    after the first deployment: before it ran nobody can sign in. Safe to repeat.
    """
    done = run(wiring.rotation_service().rotate()).model_dump(mode="json")
    if done["made"] or done["retired"]:
        logger().info("signing keys rotated", extra=done)
    return done
