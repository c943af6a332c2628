import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import boto3
import pytest
from botocore import auth

from llmo_core.aws import Credentials
from llmo_core.database_login import conninfo, iam_token, resolved

NOW = datetime(2026, 11, 28, 16, 40, 7, tzinfo=UTC)
HOST = "llmo-prod.proxy-abcdefghijkl.eu-west-1.rds.amazonaws.com"
ADDRESS: dict[str, Any] = {"host": HOST, "port": 5432, "name": "llmo", "user": "llmo_auth"}


def by_botocore(host: str, port: int, user: str, region: str, credentials: Credentials) -> str:
    """The token that boto3 makes."""
    client = boto3.client(
        "rds",
        region_name=region,
        aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=credentials.secret_access_key,
        aws_session_token=credentials.session_token,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auth, "get_current_datetime", lambda: NOW.replace(tzinfo=None))
        token: str = client.generate_db_auth_token(DBHostname=host, Port=port, DBUsername=user)
    return token


@pytest.mark.parametrize(
    ("host", "port", "user", "region", "session"),
    [
        (HOST, 5432, "llmo_auth", "eu-west-1", None),
        (HOST, 5432, "llmo_owner", "eu-west-1", "IQoJb3JpZ2luX2Vj+/=="),
        ("other.cluster-x.us-east-1.rds.amazonaws.com", 6543, "some one+else", "us-east-1", "a b/c=~-_."),
    ],
)
def test_a_token_is_the_one_that_boto3_makes(host: str, port: int, user: str, region: str, session: str | None) -> None:
    credentials = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", session)

    ours = iam_token(host, port, user, region=region, credentials=credentials, now=NOW)

    theirs = by_botocore(host, port, user, region, credentials)
    address, _, query = ours.partition("?")
    assert address == theirs.partition("?")[0] == f"{host}:{port}/"
    assert dict(parse_qsl(query)) == dict(parse_qsl(theirs.partition("?")[2]))


def test_a_password_is_read_once_and_a_token_made_for_each_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIA",
        "AWS_SECRET_ACCESS_KEY": "hush",
        "AWS_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    asked: list[str] = []

    def read(secret: str) -> str:
        asked.append(secret)
        return "hush"

    by_password = conninfo(**ADDRESS, password_secret="llmo/auth", sslmode="require", read=read)
    by_token = conninfo(**ADDRESS, password_secret="", sslmode="require", read=read)

    assert resolved(by_password) == resolved(by_password)
    assert resolved(by_password)["password"] == "hush"
    assert str(resolved(by_token)["password"]).startswith(f"{HOST}:5432/?Action=connect&DBUser=llmo_auth&")
    assert asked == ["llmo/auth"]
    assert "sslrootcert" not in by_token


def test_a_server_is_verified_against_the_systems_authorities(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    bundle = tmp_path / "authorities.pem"
    bundle.touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))

    parameters = conninfo(**ADDRESS, password_secret="", sslmode="verify-full")

    assert (parameters["sslmode"], parameters["sslrootcert"]) == ("verify-full", str(bundle))


def test_a_server_is_never_taken_unverified_for_want_of_authorities(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))

    with pytest.raises(FileNotFoundError, match="authorities"):
        conninfo(**ADDRESS, password_secret="", sslmode="verify-full")


@pytest.fixture
def endpoint() -> Iterator[tuple[str, list[str | None], dict[str, str]]]:
    """Lambda's endpoint of credentials: its address, what it was asked with, and what it answers."""
    asked: list[str | None] = []
    answer = {"AccessKeyId": "ASIA", "SecretAccessKey": "hush", "Token": "quiet"}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers["Authorization"])
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: object) -> None:
            """Nothing is written to the test's output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/credentials", asked, answer
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(("lasts", "calls"), [(timedelta(hours=6), 1), (timedelta(minutes=4), 2)])
def test_a_restored_function_has_credentials_of_its_endpoint_until_they_expire(
    endpoint: tuple[str, list[str | None], dict[str, str]], lasts: timedelta, calls: int
) -> None:
    url, asked, answer = endpoint
    answer["Expiration"] = (datetime.now(UTC) + lasts).isoformat().replace("+00:00", "Z")
    environment = {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": url,
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": f"this sandbox's, {lasts}",
    }

    assert Credentials.from_environment(environment) == Credentials("ASIA", "hush", "quiet")
    assert Credentials.from_environment(environment) == Credentials("ASIA", "hush", "quiet")
    assert asked == [environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"]] * calls


def test_credentials_in_the_environment_come_first() -> None:
    environment = {
        "AWS_ACCESS_KEY_ID": "AKIA",
        "AWS_SECRET_ACCESS_KEY": "hush",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/",
    }
    assert Credentials.from_environment(environment).access_key_id == "AKIA"
    with pytest.raises(KeyError, match="AWS_ACCESS_KEY_ID"):
        Credentials.from_environment({})
