"""Run by SAM's own Python: types of resources as JSON on standard input, by type the properties that cannot be changed.

CloudFormation makes a resource anew when one of them changes. cfn-lint carries the resource providers' schemas.
"""

import json
import sys

from cfnlint.schema import ResourceNotFoundError  # type: ignore[import-untyped,import-not-found,unused-ignore]  # SAM's
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped,import-not-found,unused-ignore]


def create_only(resource_type: str) -> list[str]:
    """JSON pointers' last parts, such as `QueueName`; none for a type of one's own."""
    try:
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("eu-west-1", resource_type).schema
    except ResourceNotFoundError:
        return []
    return [pointer.removeprefix("/properties/") for pointer in schema.get("createOnlyProperties", [])]


json.dump({resource_type: create_only(resource_type) for resource_type in json.load(sys.stdin)}, sys.stdout)
