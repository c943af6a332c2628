"""Messages on the analytics queue, put there past the gateway and the bus."""

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from llmo_core.ids import new_id
from tests.e2e.command_line import local_command
from tests.e2e.platform import Key, Platform
from tests.e2e.stack import ROOT

QUEUE = "llmo-local-analytics-usage"
DEAD = "llmo-local-analytics-usage-dead"
_SAMPLE = ROOT / "events" / "AnalyticsConsumerFunction" / "usage-recorded.json"


@dataclass(frozen=True)
class MixedBatch:
    """What was sent: two calls of a key, and a body that no consumer understands."""

    key: Key
    malformed: str


async def send_mixed_batch(platform: Platform) -> MixedBatch:
    """Send a good, a malformed and another good message in one request."""
    key = Key(id=str(uuid4()), text="", project_id=str(uuid4()))
    malformed = json.dumps({"detail": {"id": str(uuid4()), "type": "llmo.integration.usage.recorded"}})
    bodies = [_call(platform, key), malformed, _call(platform, key)]
    entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)]
    sqs = platform.aws("sqs")
    url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    sent = await asyncio.to_thread(sqs.send_message_batch, QueueUrl=url, Entries=entries)
    assert len(sent["Successful"]) == len(bodies)
    return MixedBatch(key, malformed)


def _call(platform: Platform, key: Key) -> str:
    """The queue's message about a call; `events/` has the original."""
    message = json.loads(json.loads(_SAMPLE.read_text())["Records"][0]["body"])
    detail, now = message["detail"], datetime.now(UTC).isoformat()
    ids = {"org_id": platform.stack.demo["org_id"], "key_id": key.id, "project_id": key.project_id}
    detail |= {"id": str(new_id()), "time": now, "orgid": ids["org_id"]}
    detail["data"] |= {**ids, "started_at": now}
    return json.dumps(message)


async def until_dead(platform: Platform, body: str) -> None:
    """Return when a message with this body is in the dead-letter queue; fail after a minute."""
    sqs = platform.aws("sqs")
    url = sqs.get_queue_url(QueueName=DEAD)["QueueUrl"]
    async with asyncio.timeout(60):
        while body not in await asyncio.to_thread(_bodies, sqs, url):
            pass


async def dlq(platform: Platform, *arguments: str) -> str:
    """What `python -m local dlq` prints about this stack."""
    said, _ = await local_command("dlq", *arguments, state=platform.stack.state)
    return said


async def dead_messages(platform: Platform) -> dict[str, dict[str, Any]]:
    """What `dlq show` tells about the dead-letter queue, by message id."""
    shown = await dlq(platform, "show", DEAD, "--json", "--limit", "100")
    return {message["id"]: message for message in map(json.loads, shown.splitlines())}


def _bodies(sqs: Any, url: str) -> set[str]:
    """The bodies that a long poll gives; they stay visible to others."""
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5, VisibilityTimeout=0)
    return {message["Body"] for message in answer.get("Messages", ())}
