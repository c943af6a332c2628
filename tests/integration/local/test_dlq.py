"""`python -m local dlq` against a real moto server."""

import json
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.__main__ import main
from local.aws.moto import MotoServer
from local.dlq.queues import Queues
from local.dlq.redrive import Redrive
from local.dlq.sqs import Sqs

Dlq = Callable[..., int]


class Killed(BaseException):
    """The process is gone."""


class Client:
    """boto3's client for SQS, whose calls can be refused in part, and end with the process.

    Attributes:
        refused: Bodies that no queue takes.
        keep: How many entries of deletions are refused from now on.
        calls_left: The process is killed at the call after these.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self.refused: Collection[str] = ()
        self.keep = 0
        self.calls_left: int | None = None
        self._receipts: list[tuple[str, str]] = []

    def __getattr__(self, name: str) -> Any:
        self._count()
        return getattr(self._client, name)

    def receive_message(self, **call: Any) -> Any:
        self._count()
        answer = self._client.receive_message(**call)
        self._receipts += [(call["QueueUrl"], message["ReceiptHandle"]) for message in answer.get("Messages", ())]
        return answer

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> Any:  # noqa: N803 - boto3's names
        self._count()
        return self._some(
            self._client.send_message_batch, QueueUrl, Entries, [one["MessageBody"] in self.refused for one in Entries]
        )

    def delete_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> Any:  # noqa: N803 - boto3's names
        self._count()
        kept, self.keep = min(self.keep, len(Entries)), max(self.keep - len(Entries), 0)
        return self._some(
            self._client.delete_message_batch, QueueUrl, Entries, [number < kept for number in range(len(Entries))]
        )

    def holds_end(self) -> None:
        """As when the visibility timeouts are over; the next process is a whole one."""
        self.calls_left = None
        for url, receipt in self._receipts:
            entry = {"Id": "0", "ReceiptHandle": receipt, "VisibilityTimeout": 0}
            self._client.change_message_visibility_batch(QueueUrl=url, Entries=[entry])

    def _count(self) -> None:
        if self.calls_left is not None:
            if self.calls_left == 0:
                raise Killed
            self.calls_left -= 1

    @staticmethod
    def _some(call: Any, url: str, entries: list[dict[str, Any]], refusals: list[bool]) -> Any:
        taken = [one for one, refusal in zip(entries, refusals, strict=True) if not refusal]
        answer = call(QueueUrl=url, Entries=taken) if taken else {"Successful": []}
        failed = [{"Id": one["Id"], "Code": "Internal"} for one in entries if one not in taken]
        return {"Successful": answer["Successful"], "Failed": failed}


class Pair:
    """A queue and its dead-letter queue in moto."""

    def __init__(self, sqs: Any, *, suffix: str = "") -> None:
        self.sqs = sqs
        self.prefix = f"llmo-{uuid.uuid4().hex}"
        self.name, self.dead = f"{self.prefix}-usage{suffix}", f"{self.prefix}-usage-dead{suffix}"
        fifo = {"FifoQueue": "true"} if suffix else {}
        self.dead_url = sqs.create_queue(QueueName=self.dead, Attributes=fifo)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=self.dead_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
        self.url = sqs.create_queue(QueueName=self.name, Attributes={"RedrivePolicy": policy, **fifo})["QueueUrl"]

    def fill(self, bodies: list[str], **more: Any) -> None:
        """Put messages into the dead-letter queue."""
        for first in range(0, len(bodies), 10):
            batch = bodies[first : first + 10]
            entries = [{"Id": str(number), "MessageBody": body, **more} for number, body in enumerate(batch)]
            self.sqs.send_message_batch(QueueUrl=self.dead_url, Entries=entries)

    def drain(self, url: str) -> Counter[str]:
        """Take every visible body."""
        return Counter(message["Body"] for message in self.take(url))

    def take(self, url: str) -> list[dict[str, Any]]:
        """Take every visible message."""
        taken: list[dict[str, Any]] = []
        names: Any = {"MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"]}
        while more := self.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=600, **names
        ).get("Messages"):
            taken += more
        return taken


def redrive(client: Any, pair: Pair, limit: int | None = None) -> Redrive:
    sqs = Sqs(client, wait_seconds=0)
    queues = Queues(sqs.queues(pair.prefix))
    dead = queues.dead_letter_queue(pair.dead)
    moving = Redrive(sqs, dead.queue, queues.target(dead, None), progress=lambda _: None)
    moving.run(limit)
    return moving


def bodies(count: int) -> list[str]:
    return [f"body {number}" for number in range(count)]


@pytest.fixture(scope="module")
async def moto_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    server = MotoServer(tmp_path_factory.mktemp("aws"))
    yield await server.start()
    await server.stop()


@pytest.fixture(scope="module")
def sqs(moto_url: str) -> Any:
    keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    return boto3.client("sqs", endpoint_url=moto_url, region_name="eu-west-1", **keys)


@pytest.fixture
def pair(sqs: Any) -> Pair:
    return Pair(sqs)


@pytest.fixture
def dlq(moto_url: str, tmp_path: Path) -> Dlq:
    """Run the command on the stack that published its address."""
    (tmp_path / "stack.json").write_text(json.dumps({"aws_endpoint_url": moto_url}))
    return lambda *arguments: main(["dlq", *arguments, "--state", str(tmp_path)])


def test_list_names_every_dead_letter_queue_with_its_depth_and_owner(
    dlq: Dlq, pair: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    pair.fill(bodies(12))
    pair.sqs.create_queue(QueueName=f"{pair.prefix}-sweeper-dead")
    assert dlq("list", "--prefix", pair.prefix) == 0
    header, *rows = [line.split("  ") for line in capsys.readouterr().out.splitlines()]
    assert header[0] == "DEAD-LETTER QUEUE"
    found = {row[0]: [cell.strip() for cell in row[1:] if cell] for row in rows}
    assert found[f"{pair.prefix}-sweeper-dead"] == ["0", "-", "no queue"]
    depth, oldest, owner = found[pair.dead]
    assert (depth, oldest[-2:], owner) == ("12", " s", pair.name)


def test_no_queue_of_another_stack_is_listed(dlq: Dlq, pair: Pair, capsys: pytest.CaptureFixture[str]) -> None:
    assert dlq("list", "--prefix", f"{pair.prefix}-other") == 0
    assert capsys.readouterr().out == "There are no dead-letter queues here.\n"


def test_looking_leaves_every_message_where_it_is_and_visible(
    dlq: Dlq, pair: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    pair.fill(bodies(25))
    assert dlq("list", "--prefix", pair.prefix) == dlq("show", pair.dead, "--limit", "3") == 0
    capsys.readouterr()
    assert dlq("show", pair.dead, "--json", "--limit", "100") == 0
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted(message["body"] for message in shown) == sorted(bodies(25))
    assert pair.drain(pair.dead_url) == Counter(bodies(25))


def test_show_prints_no_more_than_its_limit(dlq: Dlq, pair: Pair, capsys: pytest.CaptureFixture[str]) -> None:
    pair.fill(bodies(25))
    assert dlq("show", pair.dead, "--limit", "12") == 0
    assert capsys.readouterr().out.count("  received  1 times") == 12


def test_show_tells_an_empty_queue_from_one_that_somebody_holds(
    dlq: Dlq, pair: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    assert dlq("show", pair.dead) == 0
    assert capsys.readouterr().out == f"{pair.dead} is empty.\n"
    pair.fill(["held"])
    pair.drain(pair.dead_url)
    assert dlq("show", pair.dead) == 0
    assert "shows none of its 1 messages" in capsys.readouterr().out


def test_redrive_moves_everything_back_and_says_how_many(
    dlq: Dlq, pair: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    pair.fill(bodies(125))
    assert dlq("redrive", pair.dead) == 0
    said = capsys.readouterr()
    assert said.out == f"Moved 125 messages from {pair.dead} to {pair.name}.\n"
    assert said.err == "moved 100 of about 125\n"
    assert pair.drain(pair.url) == Counter(bodies(125))
    assert not pair.drain(pair.dead_url)


def test_a_dry_run_moves_nothing(dlq: Dlq, pair: Pair, capsys: pytest.CaptureFixture[str]) -> None:
    pair.fill(bodies(3))
    assert dlq("redrive", pair.dead, "--dry-run", "--limit", "2") == 0
    assert capsys.readouterr().out == f"Would move about 2 of 3 messages from {pair.dead} to {pair.name}.\n"
    assert (pair.drain(pair.dead_url), pair.drain(pair.url)) == (Counter(bodies(3)), Counter())


def test_redrive_can_go_to_another_queue(dlq: Dlq, pair: Pair) -> None:
    other = Pair(pair.sqs)
    pair.fill(bodies(3))
    assert dlq("redrive", pair.dead, "--to", other.name) == 0
    assert pair.drain(other.url) == Counter(bodies(3))


def test_a_moved_message_keeps_its_attributes(pair: Pair) -> None:
    attributes = {"a": {"DataType": "String", "StringValue": "v"}, "b": {"DataType": "Binary", "BinaryValue": b"\0\1"}}
    pair.fill(bodies(2), MessageAttributes=attributes)
    redrive(pair.sqs, pair)
    assert [message["MessageAttributes"] for message in pair.take(pair.url)] == [attributes, attributes]


def test_messages_that_are_too_large_for_one_request_go_in_several(pair: Pair) -> None:
    large = [str(number) * 200_000 for number in range(7)]
    for body in large:
        pair.fill([body])
    assert redrive(pair.sqs, pair).tally.moved == 7
    assert pair.drain(pair.url) == Counter(large)


def test_a_fifo_queue_gets_its_messages_back_in_order_and_once(sqs: Any) -> None:
    pair = Pair(sqs, suffix=".fifo")
    for body in bodies(12):
        pair.fill([body], MessageGroupId="org", MessageDeduplicationId=body)
    client = Client(sqs)
    client.keep = 1
    assert redrive(client, pair).tally.undeleted
    assert redrive(client, pair).tally.complete
    assert not pair.take(pair.dead_url)
    batch = sqs.receive_message(QueueUrl=pair.url, MaxNumberOfMessages=10)["Messages"]
    assert [message["Body"] for message in batch] == bodies(10)
    counts = sqs.get_queue_attributes(QueueUrl=pair.url, AttributeNames=["All"])["Attributes"]
    assert int(counts["ApproximateNumberOfMessages"]) == 2


def test_a_message_that_fails_again_meanwhile_stays_and_ends_the_redrive(pair: Pair) -> None:
    class FailsAtOnce(Client):
        def delete_message_batch(self, **call: Any) -> Any:
            answer = super().delete_message_batch(**call)
            self.receive_message(QueueUrl=pair.url, MaxNumberOfMessages=10, VisibilityTimeout=0)
            self.receive_message(QueueUrl=pair.url, MaxNumberOfMessages=10)  # the second receive moves it over
            return answer

    pair.fill(bodies(3))
    tally = redrive(FailsAtOnce(pair.sqs), pair).tally
    assert (tally.moved, tally.returned) == (3, 3)
    assert pair.drain(pair.dead_url) == Counter(bodies(3))


def test_messages_that_come_a_second_time_are_not_sent_a_second_time(pair: Pair) -> None:
    class HoldsNothing(Client):
        def receive_message(self, **call: Any) -> Any:
            return super().receive_message(**call | {"VisibilityTimeout": 0})

    client = HoldsNothing(pair.sqs)
    client.refused, client.keep = ["body 1"], 3
    pair.fill(bodies(12))
    tally = redrive(client, pair).tally
    assert (tally.moved, len(tally.refused), tally.undeleted) == (11, 1, {})
    assert pair.drain(pair.url) == Counter(set(bodies(12)) - {"body 1"})
    assert pair.drain(pair.dead_url) == Counter(["body 1"])


def test_a_redrive_gives_up_when_nothing_is_taken(pair: Pair) -> None:
    pair.fill(bodies(130))
    client = Client(pair.sqs)
    client.refused = bodies(130)
    assert len(redrive(client, pair).tally.refused) == 100
    assert pair.drain(pair.dead_url) == Counter(bodies(130))


def test_what_could_not_be_moved_is_named_and_is_status_1(
    dlq: Dlq, pair: Pair, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    client = Client(pair.sqs)
    client.refused = ["body 1"]
    monkeypatch.setattr("local.dlq.command.connect", lambda _: nullcontext((Sqs(client, wait_seconds=0), pair.prefix)))
    pair.fill(bodies(3))
    assert dlq("redrive", pair.dead) == 1
    moved, refused = capsys.readouterr().out.splitlines()
    assert moved.startswith("Moved 2 messages")
    assert (refused.startswith("Not moved: "), refused.endswith(": Internal")) == (True, True)


def test_ctrl_c_says_what_was_moved_and_leaves_the_rest_visible(
    dlq: Dlq, pair: Pair, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted(Client):
        def send_message_batch(self, **call: Any) -> Any:
            answer = super().send_message_batch(**call)
            if len(call["Entries"]) < 10:
                raise KeyboardInterrupt
            return answer

    monkeypatch.setattr(
        "local.dlq.command.connect", lambda _: nullcontext((Sqs(Interrupted(pair.sqs), wait_seconds=0), pair.prefix))
    )
    pair.fill(bodies(13))
    assert dlq("redrive", pair.dead) == 130
    assert capsys.readouterr().out.startswith("Moved 10 messages")
    assert pair.drain(pair.dead_url).total() == 3
    assert set(pair.drain(pair.url)) == set(bodies(13))


@settings(max_examples=25)
@given(
    count=st.integers(0, 25),
    refused=st.sets(st.integers(0, 24)),
    kept=st.integers(0, 3),
    limit=st.none() | st.integers(1, 30),
)
def test_without_a_crash_every_message_is_in_exactly_one_queue(
    sqs: Any, count: int, refused: set[int], kept: int, limit: int | None
) -> None:
    pair, client = Pair(sqs), Client(sqs)
    pair.fill(bodies(count))
    client.refused, client.keep = {f"body {number}" for number in refused}, kept
    tally = redrive(client, pair, limit).tally
    here, there = pair.take(pair.dead_url), pair.drain(pair.url)
    doubled = {message["Body"] for message in here if message["MessageId"] in tally.undeleted}
    assert Counter(message["Body"] for message in here) + there == Counter([*bodies(count), *doubled])
    assert there.total() == tally.moved + len(tally.undeleted) <= (limit or count)
    assert not set(there) & set(client.refused)


@settings(max_examples=25)
@given(count=st.integers(1, 25), calls=st.integers(0, 14))
def test_a_redrive_that_is_killed_anywhere_doubles_at_most_a_batch_and_loses_nothing(
    sqs: Any, count: int, calls: int
) -> None:
    pair, client = Pair(sqs), Client(sqs)
    pair.fill(bodies(count))
    client.calls_left = calls
    try:
        redrive(client, pair)
    except Killed:
        client.holds_end()
        redrive(client, pair)
    there = pair.drain(pair.url)
    assert set(there) == set(bodies(count))
    assert there.total() <= count + 10
    assert not pair.drain(pair.dead_url)


def test_purge_refuses_without_yes_and_deletes_with_it(
    dlq: Dlq, pair: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    pair.fill(bodies(3))
    assert dlq("purge", pair.dead) == 2
    assert "about 3 messages" in capsys.readouterr().err
    assert dlq("show", pair.dead) == 0
    assert dlq("purge", pair.dead, "--yes") == 0
    assert not pair.drain(pair.dead_url)


@pytest.mark.parametrize("action", [("show",), ("redrive",), ("purge", "--yes")])
def test_nothing_is_done_to_a_queue_that_is_no_dead_letter_queue(
    action: tuple[str, ...], dlq: Dlq, pair: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    pair.sqs.send_message(QueueUrl=pair.url, MessageBody="live")
    assert dlq(*action, pair.name) == 2
    assert f"\n  {pair.dead}\n" in capsys.readouterr().err
    assert pair.drain(pair.url) == Counter(["live"])


def test_an_endpoint_is_asked_with_the_callers_own_credentials(
    moto_url: str, pair: Pair, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    where = ("--endpoint", moto_url, "--region", "eu-west-1", "--prefix", pair.prefix)
    pair.fill(["body"])
    assert main(["dlq", "list", *where]) == main(["dlq", "redrive", pair.dead, *where]) == 0
    assert "Moved 1 message " in capsys.readouterr().out
    assert pair.drain(pair.url) == Counter(["body"])
