"""`python -m local.deploy staging MailFrom=…`: `sam deploy` with everything that an environment needs.

`sam deploy --parameter-overrides` replaces what `samconfig.toml` says instead of adding to it. Here both are handed
over, and what is deployed is named anew: see `Release` in template.yaml.
"""

import argparse
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
CONFIG = _ROOT / "samconfig.toml"
_SAM = _ROOT / ".tools" / "sam" / "bin" / "sam"


def main(arguments: list[str] | None = None) -> int:
    """Deploy what `make build` made. Returns SAM's exit status."""
    parser = argparse.ArgumentParser(prog="python -m local.deploy", description="Deploy what was built.")
    parser.add_argument("environment", choices=environments())
    parser.add_argument("parameters", nargs="*", metavar="NAME=VALUE", help="of the template, before samconfig.toml's")
    parser.add_argument("--commit", help="what is deployed (default: git's HEAD)")
    parser.add_argument("--unattended", action="store_true", help="ask nobody, as a pipeline")
    parser.add_argument("--role", help="ARN that CloudFormation acts as (default: whoever deploys)")
    parser.add_argument("--bucket", help="where artefacts are put (default: SAM's own)")
    options = parser.parse_args(arguments)
    named = release(int(time.time()), options.commit or _head())
    asked = deployment(options.environment, pairs(options.parameters), named, unattended=options.unattended)
    asked += ["--role-arn", options.role] if options.role else []
    asked += ["--no-resolve-s3", "--s3-bucket", options.bucket] if options.bucket else []
    environment = {**os.environ, "SAM_CLI_TELEMETRY": "0"}
    return subprocess.run([str(_SAM), *asked], cwd=_ROOT, env=environment, check=False).returncode


def deployment(environment: str, parameters: Mapping[str, str], named: str, *, unattended: bool) -> list[str]:
    """What SAM is asked: the environment's parameters, those given here before them, and the release's name."""
    every = {**overrides(environment), **parameters, "Release": named}
    return [
        *("deploy", "--config-env", environment),
        *(["--no-confirm-changeset"] if unattended else []),
        *("--parameter-overrides", *(f"{name}={quoted(value)}" for name, value in every.items())),
    ]


def environments() -> list[str]:
    """The environments of `samconfig.toml`."""
    return [name for name, commands in _config().items() if name != "default" and "deploy" in commands]


def overrides(environment: str) -> dict[str, str]:
    """The template's parameters of an environment, by name."""
    return pairs(_config()[environment]["deploy"]["parameters"]["parameter_overrides"])


def pairs(written: Iterable[str]) -> dict[str, str]:
    """Parameters by name. Raises ValueError where no value is given."""
    found: dict[str, str] = {}
    for pair in written:
        name, separator, value = pair.partition("=")
        if not separator:
            raise ValueError(f"{pair} is not NAME=VALUE")
        found[name] = value
    return found


def release(at: int, commit: str) -> str:
    """The name of what is deployed: the moment (Unix seconds) as 8 hexadecimal digits, then the commit.

    Versions of functions and the migration go by its first ten characters: two deployments of one commit differ.
    """
    return f"{at:08x}{commit[:8]}"


def quoted(value: str) -> str:
    """A value as SAM reads it: unquoted ones end at the first space or quotation mark; backslashes stay as they are."""
    escaped = value.replace('"', '\\"')
    return f'"{escaped}"'


def _config() -> Mapping[str, Mapping[str, Mapping[str, Mapping[str, list[str]]]]]:
    content: dict[str, Mapping[str, Mapping[str, Mapping[str, list[str]]]]] = tomllib.loads(CONFIG.read_text())
    return {name: value for name, value in content.items() if name != "version"}


def _head() -> str:
    git = ["git", "rev-parse", "HEAD"]
    return subprocess.run(git, cwd=_ROOT, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
