"""CloudFormation's custom resource `Custom::Migration`: a deployment migrates before it changes any function.

CloudFormation invokes the function with a request and waits until the answer is put where the request says.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.request import Request, urlopen

from llmo_core.observability import logger

_LONGEST_REASON: Final = 1000
_SECONDS: Final = 10


def is_request(event: Mapping[str, Any]) -> bool:
    """Whether CloudFormation asks."""
    return "RequestType" in event and "ResponseURL" in event


def serve(event: Mapping[str, Any], migrate: Callable[[bool], Mapping[str, Any]]) -> None:
    """Migrate where the resource says `Migrates: "true"`, and tell CloudFormation how it went.

    `migrate` is told whether it may contract: whether the resource says `Contracts: "true"`.

    Nothing is done when the resource is deleted: data stay when a stack goes. A failure is told and not raised: Lambda
    would repeat the request, while CloudFormation has rolled back. Raises OSError when the answer cannot be delivered;
    then Lambda repeats it, which is safe.
    """
    try:
        done = migrate(_may_contract(event)) if _wanted(event) else {}
    except Exception as error:  # noqa: BLE001 - whatever it is, CloudFormation waits for an answer
        logger().exception("not migrated")
        _tell(event, {"Status": "FAILED", "Reason": f"{type(error).__name__}: {error}"[:_LONGEST_REASON]})
    else:
        _tell(event, {"Status": "SUCCESS", "Data": {"Revision": done.get("to") or ""}})


def _wanted(event: Mapping[str, Any]) -> bool:
    return bool(event["RequestType"] != "Delete" and event["ResourceProperties"]["Migrates"] == "true")


def _may_contract(event: Mapping[str, Any]) -> bool:
    return bool(event["ResourceProperties"].get("Contracts") == "true")


def _tell(event: Mapping[str, Any], outcome: Mapping[str, Any]) -> None:
    same = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    answer = {**same, "PhysicalResourceId": event.get("PhysicalResourceId", "schema"), **outcome}
    body = json.dumps(answer).encode()
    request = Request(event["ResponseURL"], body, {"Content-Type": ""}, method="PUT")  # noqa: S310 - it is AWS's own
    with urlopen(request, timeout=_SECONDS):  # noqa: S310 - as above
        pass
