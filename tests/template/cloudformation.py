"""A CloudFormation of its own: a server of another project's making, which creates what templates say."""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import boto3
from botocore.exceptions import BotoCoreError

from local.aws.intrinsics import REGION
from local.aws.template import Tree
from local.process import free_port
from local.transform.documents import ROOT

PYTHON: Final = ROOT / ".tools" / "cloudformation" / "bin" / "python"
_READY_SECONDS: Final = 120
_STACK_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class CloudFormation:
    """Where the server is."""

    url: str

    def client(self, service: str) -> Any:
        """A client of one of its services."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def put(self, bucket: str, key: str, body: bytes) -> str:
        """Keep an object, in a bucket that is made where there is none, and say where it is."""
        s3 = self.client("s3")
        if bucket not in {each["Name"] for each in s3.list_buckets()["Buckets"]}:
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket=bucket, Key=key, Body=body)
        return f"{self.url}/{bucket}/{key}"

    def deploy(self, stack: str, document: Mapping[str, Tree], parameters: Mapping[str, str]) -> Mapping[str, str]:
        """Create a stack, or update it, and answer its outputs; AssertionError says what failed."""
        client = self.client("cloudformation")
        known = {each["StackName"] for each in client.describe_stacks()["Stacks"]}
        asked = client.update_stack if stack in known else client.create_stack
        asked(
            StackName=stack,
            TemplateURL=self.put("templates", f"{stack}.json", json.dumps(document, default=str).encode()),
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        found = self._settled(client, stack)
        assert found["StackStatus"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}, self._failures(client, stack)
        return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}

    def resources(self, stack: str) -> dict[str, str]:
        """The types of what a stack has, by logical id."""
        found = self.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
        return {each["LogicalResourceId"]: each["ResourceType"] for each in found}

    def _settled(self, client: Any, stack: str) -> dict[str, Any]:
        deadline = time.monotonic() + _STACK_SECONDS
        while True:
            found: dict[str, Any] = client.describe_stacks(StackName=stack)["Stacks"][0]
            if not found["StackStatus"].endswith("IN_PROGRESS"):
                return found
            assert time.monotonic() < deadline, f"{stack} is {found['StackStatus']} after {_STACK_SECONDS} s"
            time.sleep(0.2)

    def _failures(self, client: Any, stack: str) -> list[str]:
        events = client.describe_stack_events(StackName=stack)["StackEvents"]
        failed = [each for each in events if each["ResourceStatus"].endswith("FAILED")]
        return [f"{each['LogicalResourceId']}: {each.get('ResourceStatusReason')}" for each in failed]


@contextmanager
def running(folder: Path) -> Iterator[CloudFormation]:
    """The server, on loopback, for as long as it is needed; what it says goes to a file of the folder."""
    assert PYTHON.exists(), "The stand-in is missing: `make .tools/cloudformation/.ready` installs it"
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
    }
    command = [str(PYTHON), "-m", "hypercorn", "--bind", f"127.0.0.1:{port}", "ministack.app:app"]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT)  # noqa: S603 - ours
    try:
        found = CloudFormation(f"http://127.0.0.1:{port}")
        _await(found, server, folder / "log")
        yield found
    finally:
        server.terminate()
        server.wait()


def _await(found: CloudFormation, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        assert server.poll() is None, log.read_text()
        try:
            found.client("sts").get_caller_identity()
        except BotoCoreError:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        else:
            return
