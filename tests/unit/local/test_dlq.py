"""What `python -m local dlq` takes, refuses and prints."""

import argparse
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local.__main__ import main
from local.dlq.arguments import add_dlq
from local.dlq.messages import DeadMessage
from local.dlq.queues import DlqError, Queues
from local.dlq.redrive import Tally
from local.dlq.report import age, message_json, message_text, queue_row, table, tally_lines
from local.dlq.sqs import Queue, Sqs

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_dlq(parser.add_subparsers(), Path(".local"))
    return parser.parse_args(["dlq", *arguments])


def message(body: str = "{}", *, minutes: int = 1, **attributes: str) -> DeadMessage:
    sent = int((NOW - timedelta(minutes=minutes)).timestamp() * 1000)
    return DeadMessage(
        "m-1",
        "r-1",
        body,
        {"SentTimestamp": str(sent), "ApproximateReceiveCount": "6"},
        {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()},
    )


def queue(name: str, *, dead: str | None = None, depth: int = 0) -> Queue:
    return Queue(name, f"http://sqs/{name}", f"arn:{name}", depth, f"arn:{dead}" if dead else None)


EVENT = json.dumps({"detail-type": "outer", "detail": {"type": "llmo.x.y.happened", "id": "e-1", "orgid": "o-1"}})


@pytest.mark.parametrize(
    "arguments",
    [(), ("show",), ("show", "q", "--limit", "0"), ("redrive", "q", "--limit", "-1"), ("show", "q", "--yes")],
)
def test_a_command_that_makes_no_sense_is_a_usage_error(arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parsed(*arguments)


def test_where_to_look_may_be_said_after_every_command() -> None:
    for action in (("list",), ("show", "q"), ("redrive", "q"), ("purge", "q")):
        options = parsed(
            *action, "--endpoint", "aws", "--region", "eu-west-1", "--profile", "p", "--prefix", "llmo-prod-"
        )
        given = (options.endpoint, options.region, options.profile, options.prefix)
        assert given == ("aws", "eu-west-1", "p", "llmo-prod-")


def test_without_a_running_stack_it_says_how_to_start_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dlq", "list", "--state", str(tmp_path)]) == 2
    assert "`make dev` starts it" in capsys.readouterr().err


def test_a_stack_that_was_killed_is_an_error_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "stack.json").write_text(json.dumps({"aws_endpoint_url": "http://127.0.0.1:1"}))
    assert main(["dlq", "list", "--state", str(tmp_path)]) == 2
    assert "Could not connect to the endpoint" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--endpoint", "amazon"), "--endpoint is `aws` or a URL, not amazon"),
        (("--profile", "nobody"), "The config profile (nobody) could not be found"),
        (("--endpoint", "aws"), "You must specify a region"),
    ],
)
def test_an_account_that_cannot_be_reached_is_an_error_in_words(
    arguments: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    assert main(["dlq", "list", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_dead_letter_queue_is_one_that_a_queue_names_or_whose_name_says_so() -> None:
    every = [queue("usage", dead="graveyard"), queue("graveyard"), queue("sweeper-dead"), queue("jobs-dead.fifo")]
    found = {dead.queue.name: [one.name for one in dead.sources] for dead in Queues(every).dead_letter}
    assert found == {"graveyard": ["usage"], "sweeper-dead": [], "jobs-dead.fifo": []}


def test_an_unknown_dead_letter_queue_is_answered_with_the_known_ones() -> None:
    with pytest.raises(DlqError, match=r"There is no dead-letter queue usage\. There are:\n  a-dead\n  b-dead$"):
        Queues([queue("usage"), queue("a-dead"), queue("b-dead")]).dead_letter_queue("usage")


@pytest.mark.parametrize(
    ("name", "to", "said"),
    [
        ("sweeper-dead", None, "belongs to no queue.* --to"),
        ("shared-dead", None, "several queues: name one with --to: a, b"),
        ("shared-dead", "c", "There is no queue c. There are:\n  a\n"),
        ("shared-dead", "shared-dead", "where the messages are already"),
    ],
)
def test_a_redrive_that_does_not_know_where_to_is_refused(name: str, to: str | None, said: str) -> None:
    queues = Queues(
        [queue("a", dead="shared-dead"), queue("b", dead="shared-dead"), *map(queue, ("shared-dead", "sweeper-dead"))]
    )
    with pytest.raises(DlqError, match=said):
        queues.target(queues.dead_letter_queue(name), to)


def test_a_redrive_goes_to_the_source_or_where_it_is_told() -> None:
    queues = Queues([queue("a", dead="a-dead"), queue("b"), queue("a-dead")])
    dead = queues.dead_letter_queue("a-dead")
    assert (queues.target(dead, None).name, queues.target(dead, "b").name) == ("a", "b")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-5, "0 s"), (0, "0 s"), (59, "59 s"), (60, "1 min"), (7_300, "2 h"), (86_400, "1 d"), (1_209_600, "14 d")],
)
def test_an_age_is_said_in_the_largest_unit(seconds: int, said: str) -> None:
    assert age(NOW - timedelta(seconds=seconds), NOW) == said


def test_the_table_says_depth_oldest_and_owner() -> None:
    every = [queue("usage", dead="usage-dead"), queue("usage-dead", depth=2), queue("sweeper-dead")]
    usage, sweeper = Queues(every).dead_letter
    rows = [queue_row(usage, [message(minutes=3), message(minutes=130)], NOW), queue_row(sweeper, [], NOW)]
    assert table(rows).splitlines() == [
        "DEAD-LETTER QUEUE  DEPTH  OLDEST  BELONGS TO",
        "usage-dead             2     2 h  usage",
        "sweeper-dead           0       -  no queue",
    ]


def test_an_age_is_a_lower_bound_when_not_every_message_was_looked_at() -> None:
    (dead,) = Queues([queue("usage-dead", depth=2)]).dead_letter
    assert queue_row(dead, [message(minutes=3)], NOW)[2] == "≥ 3 min"


def test_a_message_is_shown_with_what_its_event_says() -> None:
    assert message_text(message(EVENT), NOW).splitlines() == [
        "m-1",
        "  sent      2026-11-23T11:59:00.000Z, 1 min ago",
        "  received  6 times",
        "  type      llmo.x.y.happened",
        "  org       o-1",
        "  event     e-1",
        "  body",
        f"    {EVENT}",
    ]


def test_an_undeliverable_message_is_shown_with_the_reason() -> None:
    shown = message_text(message(ERROR_CODE="NO_PERMISSIONS", ERROR_MESSAGE="not allowed"), NOW)
    assert "  error     NO_PERMISSIONS: not allowed" in shown


@pytest.mark.parametrize("body", ["", "no JSON", "[]", "7", '{"detail": []}', '{"detail": {"type": 1}}', "[" * 9_999])
def test_a_body_that_nobody_can_read_is_shown_all_the_same(body: str) -> None:
    assert "  type      -" in message_text(message(body), NOW)


def test_only_the_first_lines_of_a_body_are_shown_and_nothing_that_a_terminal_obeys() -> None:
    shown = message_text(message("a\x9b2J\x1b[31m\n" + "b" * 999 + "\nc\nd\ne\nf"), NOW)
    assert shown.splitlines()[-6:] == ["    a\\x9b2J\\x1b[31m", f"    {'b' * 200}…", "    c", "    d", "    e", "    …"]


def test_json_has_the_whole_body_on_one_line() -> None:
    shown: dict[str, Any] = json.loads(message_json(message(EVENT + "\n" * 9)))
    assert "\n" not in message_json(message("\n"))
    assert shown == {
        "id": "m-1",
        "sent_at": "2026-11-23T11:59:00.000Z",
        "receive_count": 6,
        "type": "llmo.x.y.happened",
        "org_id": "o-1",
        "event_id": "e-1",
        "error": None,
        "body": EVENT + "\n" * 9,
    }


def test_a_tally_names_every_message_that_was_not_moved() -> None:
    tally = Tally(moved=1, refused={"m-1": "Throttled"}, undeleted={"m-2": "Expired"}, returned=2)
    assert not tally.complete
    assert tally_lines(tally, "usage-dead", "usage") == [
        "Moved 1 message from usage-dead to usage.",
        "2 messages failed again meanwhile: is the consumer mended?",
        "Not moved: m-1: Throttled",
        "Moved, but still here as well: m-2: Expired",
    ]


def test_a_message_is_sent_again_with_its_group_and_its_trace() -> None:
    class Client:
        def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - boto3's names
            assert QueueUrl == "http://sqs/jobs.fifo"
            self.entries = Entries
            return {"Successful": [{"Id": "0", "MessageId": "m-2"}], "Failed": []}

    client = Client()
    dead = DeadMessage("m-1", "r-1", "body", {"AWSTraceHeader": "Root=1", "MessageGroupId": "org"})
    assert Sqs(client, wait_seconds=0).send(queue("jobs.fifo"), [dead]) == ({"m-1": "m-2"}, {})
    assert client.entries == [
        {
            "Id": "0",
            "MessageBody": "body",
            "MessageAttributes": {},
            "MessageSystemAttributes": {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1"}},
            "MessageGroupId": "org",
            "MessageDeduplicationId": "m-1",
        }
    ]
