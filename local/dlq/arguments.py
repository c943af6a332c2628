"""What `python -m local dlq` understands."""

import argparse
from pathlib import Path


def add_dlq(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", state: Path) -> None:
    """Add the command `dlq` with its own commands; `state` is where the laptop stack keeps its state by default."""
    parser = commands.add_parser("dlq", help="look into dead-letter queues, and move their messages back")
    actions = parser.add_subparsers(dest="action", required=True)
    where = _where(state)
    actions.add_parser("list", parents=[where], help="every dead-letter queue: depth, oldest message, whose it is")
    show = actions.add_parser("show", parents=[where, _queue()], help="print messages and leave them where they are")
    show.add_argument("--limit", type=_positive, default=10, help="at most this many messages (default 10)")
    show.add_argument("--json", action="store_true", help="one JSON object per line, with the whole body")
    redrive = actions.add_parser("redrive", parents=[where, _queue()], help="move messages back to their queue")
    redrive.add_argument("--limit", type=_positive, help="at most this many messages (default: all)")
    redrive.add_argument("--to", metavar="QUEUE", help="another queue than the one they failed in")
    redrive.add_argument("--dry-run", action="store_true", help="only tell what would be moved")
    purge = actions.add_parser("purge", parents=[where, _queue()], help="delete every message")
    purge.add_argument("--yes", action="store_true", help="really: nothing brings them back")


def _where(state: Path) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group("which queues", "by default those of the running laptop stack")
    group.add_argument("--endpoint", help="`aws`, or the URL of an SQS endpoint, with your own AWS credentials")
    group.add_argument("--region", help="of AWS; means --endpoint aws")
    group.add_argument("--profile", help="of your AWS configuration; means --endpoint aws")
    group.add_argument("--rabbitmq-url", metavar="URL", help="a RabbitMQ that is the bus of a stage")
    group.add_argument("--stage", default="local", help="the stage that RabbitMQ is the bus of (default local)")
    group.add_argument("--prefix", help="only queues whose name begins so (on AWS `llmo-`, such as llmo-prod-)")
    group.add_argument("--state", type=Path, default=state, help="of the laptop stack (default .local)")
    return parser


def _queue() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("queue", metavar="QUEUE", help="the dead-letter queue's name")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number
