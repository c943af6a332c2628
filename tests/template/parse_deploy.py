"""Run by SAM's own Python: the arguments of `sam deploy`, and as JSON on standard output what SAM makes of them."""

import json
import sys

from samcli.commands.deploy.command import cli  # type: ignore[import-not-found]  # SAM has it

asked = cli.make_context("deploy", sys.argv[1:]).params
json.dump({name: asked[name] for name in ("parameter_overrides", "stack_name", "confirm_changeset")}, sys.stdout)
