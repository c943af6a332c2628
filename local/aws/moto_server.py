"""moto's server, with a few of its functions replaced.

`python -m local.aws.moto_server -H <host> -p <port>` is `python -m moto.server` in every other respect. What was slow
or wrong with queues is put right in `local.aws.moto_queues`, what was wrong with state machines in
`local.aws.moto_state_machines`, `local.aws.moto_keys` makes keys last, and `local.aws.moto_metrics` makes
CloudWatch answer for a whole platform.
"""

import functools

import jsonpath_ng.ext
from moto.server import main

from local.aws import moto_keys, moto_metrics, moto_queue_metrics, moto_queues, moto_state_machines


def remember_paths() -> None:
    """Parse each JSON path once: moto parses the same eight for every event."""
    jsonpath_ng.ext.parse = functools.cache(jsonpath_ng.ext.parse)  # type: ignore[attr-defined]


if __name__ == "__main__":
    remember_paths()
    moto_queues.mend()
    moto_state_machines.mend()
    moto_keys.keep()
    moto_metrics.mend()
    moto_queue_metrics.keep_measuring()
    main()
