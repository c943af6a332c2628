"""Handlers that do what functions do, and what they should not do."""

import os
import sys
import time
from pathlib import Path
from typing import Any


def echo(event: Any, _context: Any) -> Any:
    return event


def describe(_event: Any, context: Any) -> dict[str, Any]:
    """Tell what a function sees of itself and of its surroundings."""
    return {
        "request_id": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "name": context.function_name,
        "memory": context.memory_limit_in_mb,
        "remaining_ms": context.get_remaining_time_in_millis(),
        "environment": dict(os.environ),
        "path": sys.path,
        "folder": str(Path.cwd()),
        "pid": os.getpid(),
    }


def fail(event: dict[str, str], _context: Any) -> None:
    raise ValueError(event["message"])


def crash(event: dict[str, int], _context: Any) -> None:
    sys.stdout.write("about to crash\n")
    sys.stdout.flush()
    os._exit(event["status"])


def hang(event: dict[str, float], _context: Any) -> int:
    time.sleep(event["seconds"])
    return os.getpid()


def meet(event: dict[str, Any], _context: Any) -> int:
    """Return when as many invocations are here at the same time as the event says."""
    folder = Path(event["folder"])
    (folder / str(os.getpid())).touch()
    while len(list(folder.iterdir())) < event["parties"]:
        time.sleep(0.01)
    return os.getpid()


def big(event: dict[str, int], _context: Any) -> str:
    return "x" * event["bytes"]
