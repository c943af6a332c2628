"""What CloudFormation is told of a migration, by a real request to where it says."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from migrate.deployment import is_request, serve

ASKED = {
    "RequestType": "Update",
    "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/llmo-dev/1",
    "RequestId": "r-1",
    "LogicalResourceId": "Migration",
    "PhysicalResourceId": "schema",
    "ResourceProperties": {"Release": "r1", "Migrates": "true"},
}

type Address = tuple[str, list[dict[str, Any]]]


class Told(BaseHTTPRequestHandler):
    """Where CloudFormation waits; presigned addresses take no other content type than none."""

    answers: list[dict[str, Any]]

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.headers["Content-Type"] == ""
        self.answers.append(json.loads(body))
        self.send_response(403 if "refused" in self.path else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def told() -> Iterator[Address]:
    answers: list[dict[str, Any]] = []
    server = HTTPServer(("127.0.0.1", 0), type("Here", (Told,), {"answers": answers}))
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", answers
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_revision_is_told(told: Address) -> None:
    url, answers = told
    serve({**ASKED, "ResponseURL": url}, lambda _: {"to": "0054"})
    same = {name: ASKED[name] for name in ("StackId", "RequestId", "LogicalResourceId", "PhysicalResourceId")}
    assert answers == [{**same, "Status": "SUCCESS", "Data": {"Revision": "0054"}}]


def test_a_failure_is_told_and_not_raised(told: Address) -> None:
    url, answers = told

    def fail(_allow: object) -> dict[str, Any]:
        raise RuntimeError("x" * 5000)

    serve({**ASKED, "RequestType": "Create", "ResponseURL": url}, fail)
    assert (answers[0]["Status"], len(answers[0]["Reason"])) == ("FAILED", 1000)
    assert answers[0]["Reason"].startswith("RuntimeError: xxx")


@pytest.mark.parametrize(
    ("contracts", "allowed"), [({"Contracts": "true"}, True), ({"Contracts": "false"}, False), ({}, False)]
)
def test_a_deployment_contracts_when_it_says_so(told: Address, contracts: dict[str, str], *, allowed: bool) -> None:
    asked: list[object] = []

    def migrate(allow_contract: object) -> dict[str, Any]:
        asked.append(allow_contract)
        return {}

    properties = {"Release": "r1", "Migrates": "true", **contracts}
    serve({**ASKED, "ResourceProperties": properties, "ResponseURL": told[0]}, migrate)
    assert asked == [allowed]


@pytest.mark.parametrize(
    "differing", [{"RequestType": "Delete"}, {"ResourceProperties": {"Migrates": "false"}}], ids=["deleted", "by-hand"]
)
def test_nothing_is_migrated_where_nobody_asks_for_it(told: Address, differing: dict[str, Any]) -> None:
    url, answers = told
    serve({**ASKED, **differing, "ResponseURL": url}, lambda _: pytest.fail("migrated"))
    assert answers[0]["Status"] == "SUCCESS"


def test_an_answer_that_is_not_taken_is_raised_so_that_lambda_repeats_it(
    told: Address,
) -> None:
    with pytest.raises(OSError, match="403"):
        serve({**ASKED, "ResponseURL": f"{told[0]}/refused"}, lambda _: {})


@pytest.mark.parametrize("event", [{}, {"dry_run": True}, {"RequestType": "Create"}])
def test_an_operators_event_is_none_of_cloudformations(event: dict[str, Any]) -> None:
    assert not is_request(event)
