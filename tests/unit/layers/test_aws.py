import string
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore import auth
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given
from hypothesis import strategies as st

from llmo_core.aws import Credentials, JsonService

secrets = st.text(string.ascii_letters + string.digits + "/+=", min_size=1, max_size=60)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


def by_botocore(service: JsonService, body: bytes, credentials: Credentials, now: datetime) -> dict[str, str]:
    """The headers that botocore itself signs."""
    request = AWSRequest(
        "POST",
        f"{service.endpoint}/",
        headers={
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"{service.target_prefix}.PutEvents",
        },
        data=body,
    )
    signer: Any = SigV4Auth(
        BotocoreCredentials(credentials.access_key_id, credentials.secret_access_key, credentials.session_token),
        service.name,
        service.region,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auth, "get_current_datetime", lambda: now.replace(tzinfo=None))
        signer.add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


@given(
    body=st.binary(max_size=300),
    access_key=st.text(string.ascii_uppercase + string.digits, min_size=16, max_size=20),
    secret=secrets,
    token=st.none() | secrets,
    region=st.sampled_from(["eu-west-1", "us-east-1", "ap-southeast-2"]),
    endpoint=st.sampled_from(["https://events.eu-west-1.amazonaws.com", "http://127.0.0.1:5555"]),
    now=moments,
)
def test_signatures_equal_botocores(
    *, body: bytes, access_key: str, secret: str, token: str | None, region: str, endpoint: str, now: datetime
) -> None:
    service = JsonService("events", "AWSEvents", region, endpoint)
    credentials = Credentials(access_key, secret, token)

    ours = service.sign("PutEvents", body, credentials=credentials, now=now)

    theirs = by_botocore(service, body, credentials, now)
    assert ours["authorization"] == theirs["authorization"]
    assert ours["x-amz-date"] == theirs["x-amz-date"]
    assert ours.get("x-amz-security-token") == theirs.get("x-amz-security-token")


def test_credentials_come_from_the_environment_without_showing() -> None:
    credentials = Credentials.from_environment(
        {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "hush", "AWS_SESSION_TOKEN": "quiet"}
    )

    assert credentials == Credentials("AKIA", "hush", "quiet")
    assert "hush" not in repr(credentials)
    assert "quiet" not in repr(credentials)


@pytest.mark.parametrize(
    ("environment", "endpoint"),
    [
        ({"AWS_REGION": "eu-west-1"}, "https://events.eu-west-1.amazonaws.com"),
        ({"AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": "http://127.0.0.1:5000/"}, "http://127.0.0.1:5000"),
    ],
)
def test_the_endpoint_is_the_regions_unless_the_environment_names_one(
    environment: dict[str, str], endpoint: str
) -> None:
    assert JsonService.from_environment("events", "AWSEvents", environment).endpoint == endpoint
