"""AWS's mails and text messages: moto in this process, behind something that lets calls fail."""

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from email import message_from_string
from email.message import EmailMessage
from email.policy import default
from typing import Any

import aiohttp
import boto3
from aiohttp import web
from botocore.config import Config
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.server import ThreadedMotoServer
from moto.ses.models import ses_backends
from moto.sns.models import sns_backends

from local.vendors.message_faults import Faults
from tests.fakes.messages import served

REGION = "eu-west-1"


@dataclass(frozen=True, slots=True)
class FakeAws:
    """SES and SNS."""

    url: str
    faults: Faults

    def client(self, service: str, url: str = "", *, timeout_seconds: float = 20.0) -> Any:
        """A client that tries once."""
        config = Config(
            connect_timeout=timeout_seconds, read_timeout=timeout_seconds, retries={"total_max_attempts": 1}
        )
        keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
        return boto3.client(service, endpoint_url=url or self.url, region_name=REGION, config=config, **keys)

    def mails(self) -> list[EmailMessage]:
        """What SES took, the oldest first."""
        sent = ses_backends[DEFAULT_ACCOUNT_ID][REGION].sent_messages
        return [message_from_string(each.raw_data, policy=default) for each in sent]

    def texts(self) -> list[tuple[str, str]]:
        """What SNS took, the oldest first: number and text."""
        return [*sns_backends[DEFAULT_ACCOUNT_ID][REGION].sms_messages.values()]


@contextmanager
def moto_in_a_thread() -> Iterator[int]:
    """The port of a moto in this process, whose memory tests can look into."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    yield server.get_host_and_port()[1]
    server.stop()


@asynccontextmanager
async def running_aws(port: int) -> AsyncIterator[FakeAws]:
    """SES and SNS of that moto, that have sent nothing yet."""
    ses_backends[DEFAULT_ACCOUNT_ID][REGION].reset()
    sns_backends[DEFAULT_ACCOUNT_ID][REGION].reset()
    faults = Faults()
    app = web.Application(middlewares=[faults.middleware])

    async def forward(request: web.Request) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in {"host", "expect"}}
        async with (
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.request(
                request.method,
                f"http://127.0.0.1:{port}{request.path_qs}",
                data=await request.read(),
                headers=headers,
            ) as answer,
        ):
            kept = {name: answer.headers[name] for name in ("Content-Type",) if name in answer.headers}
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)

    app.router.add_route("*", "/{path:.*}", forward)
    async with served(app) as url:
        yield FakeAws(url, faults)
