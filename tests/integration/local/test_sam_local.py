"""The parts of `make sam-local` that talk to something: engine, forwarder, web adapter, SAM CLI."""

import asyncio
import base64
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from local.process import StartError, free_port
from local.sam_local import web_adapter
from local.sam_local.engine import Engine, find_engine
from local.sam_local.forwarder import Forwarder
from local.sam_local.sam import Sam

_SECONDS = 20


@asynccontextmanager
async def serving(routes: list[web.RouteDef], socket: Path | None = None) -> AsyncIterator[int]:
    """Serve routes on a free port, or on a Unix socket; gives the port."""
    app = web.Application()
    app.router.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)  # an invocation may still be waited for
    await runner.setup()
    site = web.UnixSite(runner, str(socket)) if socket else web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield 0 if socket else runner.addresses[0][1]
    finally:
        await runner.cleanup()


def engine_routes(operating_system: str, networks: list[dict[str, Any]]) -> list[web.RouteDef]:
    async def info(_: web.Request) -> web.Response:
        return web.json_response({"OperatingSystem": operating_system})

    async def network_list(_: web.Request) -> web.Response:
        return web.json_response(networks)

    return [web.get("/info", info), web.get("/networks", network_list)]


BRIDGE = {"Name": "bridge", "IPAM": {"Config": [{"Subnet": "10.88.0.0/16", "Gateway": "10.88.0.1"}]}}


async def test_containers_on_linux_reach_this_machine_over_their_bridge(tmp_path: Path) -> None:
    socket = tmp_path / "engine.sock"
    async with serving(engine_routes("Debian", [{"Name": "other", "IPAM": {"Config": None}}, BRIDGE]), socket):
        engine = await find_engine({"DOCKER_HOST": f"unix://{socket}"}, "linux")
    assert engine.bridge == "10.88.0.1"
    assert engine.sam_options == ["--add-host", "host.docker.internal:10.88.0.1"]


@pytest.mark.parametrize(("platform", "system"), [("linux", "Docker Desktop"), ("darwin", "Alpine Linux")])
async def test_an_engine_in_a_virtual_machine_leads_containers_to_this_machine(platform: str, system: str) -> None:
    async with serving(engine_routes(system, [BRIDGE])) as port:
        engine = await find_engine({"DOCKER_HOST": f"tcp://127.0.0.1:{port}"}, platform)
    assert engine.bridge is None
    assert engine.sam_options == []


@pytest.mark.parametrize("docker_host", ["unix:///nowhere/docker.sock", "ssh://somewhere"])
async def test_without_an_engine_it_says_what_to_do(docker_host: str) -> None:
    with pytest.raises(StartError, match="DOCKER_HOST"):
        await find_engine({"DOCKER_HOST": docker_host})


async def test_the_forwarder_passes_both_directions_on_until_it_ends() -> None:
    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.read()).upper())
        writer.close()

    server = await asyncio.start_server(shout, "127.0.0.1", 0)
    async with Forwarder("127.0.0.1", "localhost") as forwarder:
        host, port = await forwarder.reachable("127.0.0.1", server.sockets[0].getsockname()[1])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"hello")
        writer.write_eof()
        assert await reader.read() == b"HELLO"
        writer.close()
        assert host == "localhost"
    with pytest.raises(OSError, match=str(port)):
        await asyncio.open_connection("127.0.0.1", port)
    server.close()


async def test_a_server_that_containers_reach_anyway_is_not_forwarded() -> None:
    async with Forwarder(None, "host.docker.internal") as forwarder:
        assert await forwarder.reachable("127.0.0.1", 5432) == ("host.docker.internal", 5432)
        assert await forwarder.reachable("db.example.com", 5432) == ("db.example.com", 5432)


async def test_the_web_adapter_makes_a_request_of_a_rest_event_and_an_answer_of_the_response() -> None:
    async def echo(request: web.Request) -> web.Response:
        said = f"{request.method} {request.raw_path} {','.join(request.headers.getall('X-A'))} ".encode()
        contexts = [json.loads(text) for text in request.headers.getall("X-Amzn-Request-Context")]
        assert contexts == [{"authorizer": {"org_id": "o-1"}}]  # what a client says of itself is left out
        response = web.Response(status=201, body=said + await request.read(), content_type="text/plain")
        response.headers.extend([("X-B", "1"), ("X-B", "2")])
        return response

    event = {
        "httpMethod": "PUT",
        "path": "/v1/a b",
        "multiValueQueryStringParameters": {"q": ["1", "2"]},
        "multiValueHeaders": {"X-A": ["x", "y"], "Host": ["gone"], "x-amzn-request-context": ["forged"]},
        "requestContext": {"authorizer": {"org_id": "o-1"}},
        "body": base64.b64encode(b"body").decode(),
        "isBase64Encoded": True,
    }
    async with serving([web.put("/{path:.*}", echo)]) as port:
        answer = await asyncio.to_thread(web_adapter.send, port, event)
    assert answer["statusCode"] == 201
    assert answer["body"] == "PUT /v1/a%20b?q=1&q=2 x,y body"
    assert answer["multiValueHeaders"]["x-b"] == ["1", "2"]
    assert answer["isBase64Encoded"] is False


async def test_the_web_adapter_starts_the_handler_script_and_serves_invocations(tmp_path: Path) -> None:
    """As `/opt/bootstrap` of a container: against a Runtime API, with a start script of its own."""
    script = tmp_path / "run.sh"
    script.write_text(
        f"#!/bin/sh\ncd {tmp_path}\nexec {sys.executable} -m http.server --bind 127.0.0.1 $AWS_LWA_PORT\n"
    )
    script.chmod(0o755)
    (tmp_path / "hello.txt").write_text("hello")
    answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    waiting = [{"httpMethod": "GET", "path": "/hello.txt", "multiValueHeaders": {}}]

    async def next_invocation(_: web.Request) -> web.Response:
        if not waiting:
            await asyncio.Event().wait()
        return web.json_response(waiting.pop(), headers={"Lambda-Runtime-Aws-Request-Id": "r1"})

    async def answered(request: web.Request) -> web.Response:
        await answers.put({"path": request.path, "answer": json.loads(await request.read())})
        return web.Response(status=202)

    runtime = "/2018-06-01/runtime/invocation"
    routes = [web.get(f"{runtime}/next", next_invocation), web.post(f"{runtime}/{{tail:.*}}", answered)]
    async with serving(routes) as port:
        environment = {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
            "AWS_LWA_PORT": str(free_port()),
            "LAMBDA_TASK_ROOT": str(tmp_path),
            "_HANDLER": "run.sh",
            "PATH": os.environ["PATH"],
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, web_adapter.__file__, env=environment, start_new_session=True
        )
        try:
            async with asyncio.timeout(_SECONDS):
                first = await answers.get()
        finally:
            os.killpg(process.pid, 9)
            await process.wait()
    assert first["path"] == f"{runtime}/r1/response"
    assert (first["answer"]["statusCode"], first["answer"]["body"]) == (200, "hello")


async def test_a_handler_script_that_ends_is_reported_as_a_failed_start(tmp_path: Path) -> None:
    script = tmp_path / "run.sh"
    script.write_text("#!/bin/sh\nexit 3\n")
    script.chmod(0o755)
    reported: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def failed(request: web.Request) -> web.Response:
        await reported.put(json.loads(await request.read()))
        return web.Response(status=202)

    async with serving([web.post("/2018-06-01/runtime/init/error", failed)]) as port:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, web_adapter.__file__),
            env={
                "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
                "AWS_LWA_PORT": str(free_port()),
                "LAMBDA_TASK_ROOT": str(tmp_path),
                "_HANDLER": "run.sh",
                "PATH": os.environ["PATH"],
            },
        )
        async with asyncio.timeout(_SECONDS):
            assert await process.wait() == 1
    assert reported.get_nowait()["errorMessage"] == "the web server ended with status 3"


def _sam(tmp_path: Path, program: str) -> Sam:
    path = tmp_path / "sam"
    path.write_text(f"#!/bin/sh\n{program}\n")
    path.chmod(0o755)
    return Sam(path, tmp_path / "template.yaml", Engine("unix:///engine.sock", None), ["--skip-pull-image"], tmp_path)


async def test_the_last_line_that_sam_prints_is_the_functions_answer(tmp_path: Path) -> None:
    sam = _sam(tmp_path, 'echo "log $*" >&2; echo noise; printf \'{"event": %s}\' "$(cat)"')
    assert await sam.invoke("F", '{"a": 1}') == {"event": {"a": 1}}
    assert "local invoke F --event - " in (tmp_path / "logs" / "sam-invoke.log").read_text()


async def test_a_function_that_sam_cannot_run_is_reported_with_its_log(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="no such image"):
        await _sam(tmp_path, "echo no such image >&2; exit 1").invoke("F", "{}")
