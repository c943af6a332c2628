"""Cold starts: processes that began with somebody waiting for them.

CloudWatch has no metric of them, so every function says so itself once per process, in the embedded metric format:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html.
By its name alone, so that whoever asks needs to know no more; Powertools would add the service.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from functools import update_wrapper
from typing import Any, Final

NAMESPACE: Final = "LLMOptimizer"
METRIC: Final = "ColdStart"
DIMENSION: Final = "FunctionName"
_ASKED_FOR: Final = "on-demand"


class ColdStarts:
    """Counts the beginning of a process, once.

    Args:
        write: Takes a line of the function's log.
        now: Seconds since the epoch.
        environment: What Lambda says of itself; outside of it, nothing is counted.
    """

    def __init__(
        self,
        *,
        write: Callable[[str], None],
        now: Callable[[], float] = time.time,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._write = write
        self._now = now
        self._environment = environment
        self._counted = False

    def count(self) -> None:
        """Count the process, unless it is counted, or was started ahead (provisioned concurrency)."""
        if self._counted:
            return
        self._counted = True
        function = self._environment.get("AWS_LAMBDA_FUNCTION_NAME")
        if function and self._environment.get("AWS_LAMBDA_INITIALIZATION_TYPE", _ASKED_FOR) == _ASKED_FOR:
            self._write(line(function, self._now()))


def line(function: str, seconds: float) -> str:
    """The line that says it."""
    metric = {"Name": METRIC, "Unit": "Count"}
    directive = {"Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": [metric]}
    about = {"Timestamp": round(seconds * 1000), "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": about, DIMENSION: function, METRIC: 1})


class Counting[Event, Context, Result]:
    """A Lambda entry point that counts the cold start of its process before the first event: `@Counting`."""

    def __init__(self, handler: Callable[[Event, Context], Result], *, cold_starts: ColdStarts | None = None) -> None:
        self._handler = handler
        self._cold_starts = cold_starts or of_process
        update_wrapper(self, handler, updated=())

    def __call__(self, event: Event, context: Context) -> Result:
        """Handle one event."""
        self._cold_starts.count()
        return self._handler(event, context)


class CountingApp:
    """The same for an HTTP server behind the Lambda Web Adapter, whose readiness check is the first request."""

    def __init__(self, app: Callable[..., Any], *, cold_starts: ColdStarts | None = None) -> None:
        self._app = app
        self._cold_starts = cold_starts or of_process

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's, of two frameworks
        """Serve one connection's scope (ASGI 3)."""
        if scope["type"] == "http":
            self._cold_starts.count()
        await self._app(scope, receive, send)


of_process: Final = ColdStarts(write=lambda text: print(text, flush=True))  # noqa: T201 - the log is what is printed
"""This process's."""
