"""Run by SAM's own Python: a template as JSON on standard input, what CloudFormation gets on standard output."""

import json
import sys

from samtranslator.translator.transform import transform  # type: ignore[import-not-found]  # SAM's Python has it


class NoManagedPolicies:
    """The template names managed policies by ARN only."""

    def load(self) -> dict[str, str]:
        """None."""
        return {}


document = json.load(sys.stdin)
for resource in document["Resources"].values():  # as `sam package` does
    for name in resource.get("Properties", {}).keys() & {"CodeUri", "ContentUri", "DefinitionUri"}:
        resource["Properties"][name] = "s3://bucket/key"
parameters = {name: declared.get("Default", "") for name, declared in document["Parameters"].items()}
parameters |= {"AWS::Region": "eu-west-1", "AWS::Partition": "aws"}
json.dump(transform(document, parameters, NoManagedPolicies()), sys.stdout)
