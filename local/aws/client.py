"""AWS's own client, for the stand-in: it takes any credentials."""

from typing import Any

import boto3
from botocore.config import Config

from local.aws.intrinsics import REGION


def stand_in_client(service: str, endpoint_url: str, **config: Any) -> Any:  # noqa: ANN401 - boto3 makes its client classes at run time
    """A client of one service at the stand-in.

    Args:
        service: As boto3 names it.
        endpoint_url: The stand-in.
        config: For botocore, such as `read_timeout`; without `retries` a call is tried once.
    """
    return boto3.client(
        service,
        endpoint_url=endpoint_url,
        region_name=REGION,
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - see above
        # Step Functions would be looked for below `states.127.0.0.1`.
        config=Config(inject_host_prefix=False, **{"retries": {"max_attempts": 0}, **config}),
    )
