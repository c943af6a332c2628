"""The AWS endpoint: boto3's Lambda client against the host, everything else against a real moto server."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.runtime.endpoint import AwsEndpoint
from local.runtime.host import RuntimeHost
from local.stack import FunctionSpec

MakeFunction = Callable[..., FunctionSpec]
StartHost = Callable[..., Awaitable[RuntimeHost]]
Client = Callable[[str], Any]


@pytest.fixture
async def aws(function: MakeFunction, start_host: StartHost, moto_url: str, aws_port: int) -> AsyncIterator[Client]:
    """Make boto3 clients of the endpoint; its functions echo and fail."""
    host = await start_host(function("sample.handlers.echo"), function("sample.handlers.fail"))
    endpoint = AwsEndpoint(host, moto_url)
    await endpoint.start(aws_port)

    def client(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=endpoint.url,
            region_name="eu-west-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(retries={"total_max_attempts": 1}),
        )

    yield client
    await endpoint.stop()


async def test_boto3_invokes_a_function_and_reads_its_result(aws: Client) -> None:
    answer = await asyncio.to_thread(
        aws("lambda").invoke, FunctionName="EchoFunction", Payload=b'{"n": 1}', LogType="Tail"
    )

    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert "FunctionError" not in answer
    assert json.load(answer["Payload"]) == {"n": 1}
    assert base64.b64decode(answer["LogResult"]) == b""


async def test_boto3_sees_a_function_error(aws: Client) -> None:
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:FailFunction"

    answer = await asyncio.to_thread(aws("lambda").invoke, FunctionName=arn, Payload=b'{"message": "refused"}')

    assert answer["FunctionError"] == "Unhandled"
    error = json.load(answer["Payload"])
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "refused")
    assert error["stackTrace"]


async def test_an_event_invocation_is_accepted_at_once(aws: Client) -> None:
    answer = await asyncio.to_thread(aws("lambda").invoke, FunctionName="EchoFunction", InvocationType="Event")

    assert answer["StatusCode"] == 202


async def test_a_dry_run_runs_nothing(aws: Client) -> None:
    answer = await asyncio.to_thread(aws("lambda").invoke, FunctionName="FailFunction", InvocationType="DryRun")

    assert answer["StatusCode"] == 204


@pytest.mark.usefixtures("aws")
async def test_a_request_target_that_is_no_path_reaches_nobody(aws_port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", aws_port)
    writer.write(b"GET @127.0.0.1:1/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")

    status_line = await reader.readline()

    assert status_line.split()[1] in {b"400", b"503"}
    writer.close()
    await writer.wait_closed()


async def test_an_unknown_function_is_not_found(aws: Client) -> None:
    with pytest.raises(ClientError) as error:
        await asyncio.to_thread(aws("lambda").invoke, FunctionName="NoFunction")

    assert error.value.response["Error"]["Code"] == "ResourceNotFoundException"
    assert "there are EchoFunction, FailFunction" in error.value.response["Error"]["Message"]


async def test_a_payload_over_six_megabytes_is_refused(aws: Client) -> None:
    with pytest.raises(ClientError) as error:
        await asyncio.to_thread(
            aws("lambda").invoke, FunctionName="EchoFunction", Payload=b'"' + b"x" * 6_300_000 + b'"'
        )

    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


async def test_every_other_service_is_motos(aws: Client) -> None:
    def store_and_read() -> Any:
        bucket, secrets = aws("s3"), aws("secretsmanager")
        bucket.create_bucket(Bucket="files", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        bucket.put_object(Bucket="files", Key="a b/ü.txt", Body=b"\x00\xff" * 600_000)
        secrets.create_secret(Name="pepper", SecretString="salt")
        return (
            bucket.get_object(Bucket="files", Key="a b/ü.txt")["Body"].read(),
            secrets.get_secret_value(SecretId="pepper")["SecretString"],
        )

    assert await asyncio.to_thread(store_and_read) == (b"\x00\xff" * 600_000, "salt")


async def test_motos_step_functions_really_invoke_the_functions(aws: Client, moto_url: str) -> None:
    definition = {
        "StartAt": "Echo",
        "States": {
            "Echo": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Parameters": {"FunctionName": "EchoFunction", "Payload": {"n.$": "$.n"}},
                "OutputPath": "$.Payload",
                "End": True,
            }
        },
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{moto_url}/moto-api/config", json={"stepfunctions": {"execute_state_machine": True}}
        ) as response,
    ):
        response.raise_for_status()

    def run() -> Any:
        states = aws("stepfunctions")
        machine = states.create_state_machine(
            name="echo", definition=json.dumps(definition), roleArn="arn:aws:iam::123456789012:role/states"
        )
        execution = states.start_execution(stateMachineArn=machine["stateMachineArn"], input='{"n": 7}')
        while (found := states.describe_execution(executionArn=execution["executionArn"]))["status"] == "RUNNING":
            pass
        return found

    found = await asyncio.to_thread(run)

    assert (found["status"], json.loads(found["output"])) == ("SUCCEEDED", {"n": 7})
