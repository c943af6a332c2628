"""The command line of the laptop stack: `python -m local dev | invoke | execute | dlq | rabbitmq | …`."""

import argparse
import asyncio
import sys
from pathlib import Path

from local.dlq.arguments import add_dlq

ROOT = Path(__file__).resolve().parents[1]
# Functions and layers are packages of their own names; `make` has them in PYTHONPATH, a terminal has not.
sys.path[1:1] = [str(folder) for folder in (ROOT / "functions", *sorted((ROOT / "layers").iterdir()))]
STATE = ROOT / ".local"


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m local", description="LLMOptimizer on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    _add_dev(commands)
    _add_invoke(commands)
    _add_execute(commands)
    add_dlq(commands, STATE)
    _add_rabbitmq(commands)
    generate = commands.add_parser("generate", help="write the generated files again")
    generate.add_argument("--check", action="store_true", help="only tell what differs")
    _add_sam_local(commands)
    options = parser.parse_args(arguments)
    run = {
        "dev": _dev,
        "invoke": _invoke,
        "execute": _execute,
        "dlq": _dlq,
        "rabbitmq": _rabbitmq,
        "generate": _generate,
        "sam-local": _sam_local,
    }
    return run[options.command](options)


def _add_dev(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("dev", help="run the whole platform until Ctrl-C")
    parser.add_argument("--port", type=int, default=8080, help="of the front door (default 8080; 0 is any free one)")
    parser.add_argument("--reset", action="store_true", help="delete the state of earlier runs first")
    parser.add_argument(
        "--upstream",
        choices=("fake", "openai", "smollm2"),
        help="behind the gateway (default: openai when OPENAI_API_KEY or OPENAI_BASE_URL is set, else fake)",
    )
    parser.add_argument("--state", type=Path, default=STATE, help="where state is kept (default .local)")


def _add_invoke(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("invoke", help="invoke a function of the running stack")
    parser.add_argument("function", help="its name in template.yaml, such as MigrateFunction")
    parser.add_argument("--event", type=argparse.FileType("rb"), help="a file with the event, - for standard input")
    parser.add_argument("--state", type=Path, default=STATE)


def _add_execute(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("execute", help="run a state machine of the running stack, and follow it")
    parser.add_argument("machine", help="its name in template.yaml, such as UpgradeStateMachine")
    parser.add_argument("--input", type=argparse.FileType("rb"), help="a file with the input, - for standard input")
    parser.add_argument("--state", type=Path, default=STATE)


def _add_rabbitmq(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("rabbitmq", help="make a stage's queues on a broker, or run a broker")
    actions = parser.add_subparsers(dest="action", required=True)
    declare = actions.add_parser("declare", help="make the exchange and the queues of a stage; safe to repeat")
    declare.add_argument("--url", required=True, help="the broker, such as amqps://user:password@host:5671/")
    declare.add_argument("--stage", required=True, help="the stage's name, such as prod")
    serve = actions.add_parser("serve", help="run this machine's rabbitmq-server on 127.0.0.1 until Ctrl-C")
    serve.add_argument("--port", type=int, default=5672)
    serve.add_argument("--state", type=Path, default=STATE, help="where its data is kept (default .local)")


def _add_sam_local(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("sam-local", help="run every sample and the API in containers, through SAM CLI")
    parser.add_argument("--sam", type=Path, required=True, help="SAM CLI")
    parser.add_argument("--build", type=Path, required=True, help="what `sam build` made for this machine")
    parser.add_argument("--state", type=Path, default=STATE / "sam-local", help="of its stores; emptied at each run")
    parser.add_argument("flags", nargs="*", help="after --: passed on to `sam local`, such as --skip-pull-image")


def _dev(options: argparse.Namespace) -> int:
    from local.dev import dev  # noqa: PLC0415 - the other commands need none of it
    from local.laptop import LaptopOptions  # noqa: PLC0415 - likewise

    laptop = LaptopOptions(ROOT / "template.yaml", options.state, port=options.port, upstream=options.upstream)
    return asyncio.run(dev(laptop, reset=options.reset))


def _invoke(options: argparse.Namespace) -> int:
    from local.invoke import invoke  # noqa: PLC0415 - as above

    event = options.event.read() if options.event else b"{}"
    return invoke(options.state, options.function, event)


def _execute(options: argparse.Namespace) -> int:
    from local.execute import execute  # noqa: PLC0415 - as above

    return execute(options.state, options.machine, options.input.read() if options.input else b"{}")


def _dlq(options: argparse.Namespace) -> int:
    from local.dlq.command import dlq  # noqa: PLC0415 - as above

    return dlq(options)


def _rabbitmq(options: argparse.Namespace) -> int:
    from local.rabbitmq import declare_stage, serve  # noqa: PLC0415 - as above

    if options.action == "serve":
        return serve(options.state, options.port)
    return declare_stage(options.url, options.stage)


def _generate(options: argparse.Namespace) -> int:
    from local.generate.__main__ import main as generate  # noqa: PLC0415 - as above

    return generate(check=options.check)


def _sam_local(options: argparse.Namespace) -> int:
    from local.sam_local.run import SamLocalOptions, sam_local  # noqa: PLC0415 - as above

    paths = {"template": ROOT / "template.yaml", "events": ROOT / "events"}
    run = SamLocalOptions(**paths, build=options.build, sam=options.sam, state=options.state, flags=options.flags)
    return asyncio.run(sam_local(run))


if __name__ == "__main__":
    sys.exit(main())
