"""SnapStart: processes of a function start as copies of one that was stopped after its imports.

What must not be the same in all of them - the state of random generators - is made anew when a copy wakes up. Nothing
else needs it: connections are made at the first request, and copies are taken before one.

Source: https://docs.aws.amazon.com/lambda/latest/dg/snapstart-uniqueness.html
"""

import os
from collections.abc import Callable


def renewed_after_restore(renew: Callable[[], None]) -> None:
    """Call this in every process that wakes up from a snapshot; elsewhere it is never called."""
    if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
        from snapshot_restore_py import register_after_restore  # noqa: PLC0415 - Lambda's own runtime has it, no other

        register_after_restore(renew)
