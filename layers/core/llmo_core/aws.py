"""Signed calls to AWS's JSON APIs without an SDK.

Importing boto3 costs half of what the gateway takes to start, and a call with it thirty times the CPU
(docs/benchmarks.md); the hot path needs one operation (PutEvents), start-up one (GetSecretValue) and a log-in to the
database a token. Tests compare every signature made here with botocore's own. Everything off the hot path uses boto3.
"""

import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen

_ALGORITHM = "AWS4-HMAC-SHA256"
_SIGNED_HEADERS = ("content-type", "host", "x-amz-date", "x-amz-target")
_ENDPOINT = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
_SECONDS = 2.0
_EARLY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request is signed with."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Credentials":
        """The credentials of a function: in its environment, or where the environment says, for one that was restored.

        Raises KeyError when the environment names none, and OSError when they cannot be had.
        """
        if "AWS_ACCESS_KEY_ID" not in environment and _ENDPOINT in environment:
            return _of_endpoint(environment[_ENDPOINT], environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"])
        return cls(
            environment["AWS_ACCESS_KEY_ID"],
            environment["AWS_SECRET_ACCESS_KEY"],
            environment.get("AWS_SESSION_TOKEN") or None,
        )


_held: dict[str, tuple[datetime, Credentials]] = {}


def _of_endpoint(url: str, authorization: str) -> Credentials:
    """What the execution environment serves where SnapStart is on, kept until shortly before it expires.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/snapstart-activate.html#snapstart-credentials
    """
    now = datetime.now(UTC)
    if authorization in _held and now < _held[authorization][0]:
        return _held[authorization][1]
    request = Request(url, headers={"Authorization": authorization})  # noqa: S310 - it is Lambda's own
    with urlopen(request, timeout=_SECONDS) as response:  # noqa: S310 - as above
        answer = json.loads(response.read())
    credentials = Credentials(answer["AccessKeyId"], answer["SecretAccessKey"], answer["Token"])
    _held.clear()
    _held[authorization] = (datetime.fromisoformat(answer["Expiration"]) - _EARLY, credentials)
    return credentials


@dataclass(frozen=True, slots=True)
class JsonService:
    """One AWS service that speaks the `application/x-amz-json-1.1` protocol, or 1.0 of it, as SQS does.

    Attributes:
        name: The service's signing name, such as `events`.
        target_prefix: What precedes the operation in `X-Amz-Target`, such as `AWSEvents`.
        region: The region signed for.
        endpoint: Base URL without a trailing slash.
        protocol: `1.1` or `1.0`.
    """

    name: str
    target_prefix: str
    region: str
    endpoint: str
    protocol: str = "1.1"

    @classmethod
    def from_environment(
        cls, name: str, target_prefix: str, environment: Mapping[str, str] = os.environ, *, protocol: str = "1.1"
    ) -> "JsonService":
        """The service in this function's region; `AWS_ENDPOINT_URL` overrides where it is, as it does for boto3."""
        region = environment["AWS_REGION"]
        endpoint = environment.get("AWS_ENDPOINT_URL") or f"https://{name}.{region}.amazonaws.com"
        return cls(name, target_prefix, region, endpoint.rstrip("/"), protocol)

    def sign(self, operation: str, body: bytes, *, credentials: Credentials, now: datetime) -> dict[str, str]:
        """The headers of a POST of `body` to `/`, signed with Signature Version 4.

        Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
        """
        timestamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        scope = f"{timestamp[:8]}/{self.region}/{self.name}/aws4_request"
        headers = {
            "content-type": f"application/x-amz-json-{self.protocol}",
            "host": urlsplit(self.endpoint).netloc,
            "x-amz-date": timestamp,
            "x-amz-target": f"{self.target_prefix}.{operation}",
        }
        names: tuple[str, ...] = _SIGNED_HEADERS
        if credentials.session_token:
            headers["x-amz-security-token"] = credentials.session_token
            names = ("content-type", "host", "x-amz-date", "x-amz-security-token", "x-amz-target")
        signed = ";".join(names)
        canonical = "".join(f"{name}:{headers[name]}\n" for name in names)
        request = f"POST\n/\n\n{canonical}\n{signed}\n{hashlib.sha256(body).hexdigest()}"
        signature = _signature(request, timestamp, scope, credentials.secret_access_key)
        credential = f"Credential={credentials.access_key_id}/{scope}"
        headers["authorization"] = f"{_ALGORITHM} {credential}, SignedHeaders={signed}, Signature={signature}"
        return headers


def presigned(
    netloc: str,
    parameters: Mapping[str, str],
    *,
    service: str,
    region: str,
    seconds: int,
    credentials: Credentials,
    now: datetime,
) -> str:
    """The query of a GET of `https://<netloc>/`, signed with Signature Version 4 for so many seconds.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
    """
    timestamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{timestamp[:8]}/{region}/{service}/aws4_request"
    signed = {
        **parameters,
        "X-Amz-Algorithm": _ALGORITHM,
        "X-Amz-Credential": f"{credentials.access_key_id}/{scope}",
        "X-Amz-Date": timestamp,
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": "host",
    }
    if credentials.session_token:
        signed["X-Amz-Security-Token"] = credentials.session_token
    query = "&".join(f"{name}={quote(value, safe='-_.~')}" for name, value in sorted(signed.items()))
    request = f"GET\n/\n{query}\nhost:{netloc}\n\nhost\n{hashlib.sha256(b'').hexdigest()}"
    return f"{query}&X-Amz-Signature={_signature(request, timestamp, scope, credentials.secret_access_key)}"


def _signature(request: str, timestamp: str, scope: str, secret: str) -> str:
    """The signature of a canonical request."""
    date, region, service, _ = scope.split("/")
    to_sign = f"{_ALGORITHM}\n{timestamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    return hmac.new(_signing_key(secret, date, region, service), to_sign.encode(), hashlib.sha256).hexdigest()


@lru_cache(maxsize=8)
def _signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
