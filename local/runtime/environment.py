"""What a function's process sees: its own variables, its own code, its own layers, and nothing of the host's.

Reserved variables: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
"""

import os
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from local.stack import FunctionSpec, StackSpec

INHERITED = ("HOME", "LANG", "TMPDIR")
"""All that a function's process gets from the host's environment, besides PATH."""

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_SESSION_TOKEN": "local",
}


def function_arn(stack: StackSpec, logical_id: str) -> str:
    """The ARN by which the function is invoked, and which its context names."""
    return f"arn:aws:lambda:{stack.region}:{stack.account_id}:function:{logical_id}"


def lay_out_code(spec: FunctionSpec, code_root: Path) -> Path:
    """Make the folder that stands for /var/task: it holds the function's package and nothing else.

    SAM's `ParentPackageMode: auto` packs `functions/auth` as the package `auth`; a link gives the same import names
    without a copy. Safe to call again.
    """
    task_root = code_root / spec.logical_id
    task_root.mkdir(parents=True, exist_ok=True)
    wanted = spec.code_uri.resolve()
    for entry in task_root.iterdir():
        if entry.is_symlink() and (entry.name != wanted.name or entry.readlink() != wanted):
            entry.unlink()
    link = task_root / wanted.name
    if not link.is_symlink():
        link.symlink_to(wanted)
    return task_root


def process_environment(
    spec: FunctionSpec, stack: StackSpec, task_root: Path, host: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The complete environment of one of the function's processes, except where its runtime listens."""
    scripts = sysconfig.get_path("scripts")
    python_path = [task_root.absolute(), *(path.resolve() for path in spec.layer_paths)]
    return {
        **{name: host[name] for name in INHERITED if name in host},
        **CREDENTIALS,
        **spec.environment,
        "PATH": f"{scripts}{os.pathsep}{host.get('PATH', os.defpath)}",
        "PYTHONPATH": os.pathsep.join(map(str, python_path)),
        "TZ": ":UTC",
        "AWS_REGION": stack.region,
        "AWS_DEFAULT_REGION": stack.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
        "AWS_LAMBDA_FUNCTION_NAME": spec.logical_id,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory_mb),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{spec.logical_id}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
        "LAMBDA_TASK_ROOT": str(task_root.absolute()),
        "_HANDLER": spec.handler,
    }
