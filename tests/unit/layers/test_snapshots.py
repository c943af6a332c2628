"""What a process makes anew when it wakes up from a snapshot, seen in processes that Lambda would have started."""

import os
import subprocess
import sys

import pytest

ASKED = (
    "import llmo_core.ids, snapshot_restore_py as hooks, uuid_utils;"
    "print([renew is uuid_utils.reseed_rng for renew, *_ in hooks.get_after_restore()])"
)


@pytest.mark.parametrize(("kind", "renewed"), [("snap-start", "[True]"), ("on-demand", "[]"), ("", "[]")])
def test_ids_are_made_from_another_state_only_where_there_are_snapshots(kind: str, renewed: str) -> None:
    environment = os.environ | {"AWS_LAMBDA_INITIALIZATION_TYPE": kind}
    done = subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-c", ASKED], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.strip() == renewed
