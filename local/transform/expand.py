"""Run by SAM's Python: a template with loops as JSON on standard input, one without them on standard output."""

import json
import sys

from samcli.lib.cfn_language_extensions.api import process_template  # type: ignore[import-not-found]  # SAM has it

parameters = dict(pair.split("=", 1) for pair in sys.argv[1:])
json.dump(process_template(json.load(sys.stdin), parameter_values=parameters), sys.stdout)
