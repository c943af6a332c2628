"""An identity provider on the loopback interface that can lie in every way: OpenID Connect and GitHub's API over HTTP.

It asks nobody to sign in: `grant` gives the code that a browser would come back with. Codes work once, and only for the
client, the redirect URI and the verifier that they were asked with.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiohttp import BasicAuth, web
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID, CLIENT_SECRET = "llmo", "provider's secret"
_LIFE_SECONDS = 3600


@dataclass
class Lies:
    """What it does instead of what it should.

    Attributes:
        claims: Members of ID tokens that are others; None leaves one out.
        metadata: Members of the discovery document that are others.
        algorithm: `none`, or `HS256` with the public key as the secret.
        other_key: Signs with a key that it does not publish, under the name of the one that it does.
        kid: What ID tokens say their key is called.
        userinfo: What the user-info endpoint says, and that ID tokens hold no e-mail address.
        oversized: The path whose answer is of two megabytes.
        redirected: The path that redirects elsewhere.
        failing: The path that answers 500.
        addresses: What GitHub's API says of e-mail addresses.
        odd_keys: What it publishes before its own key.
        withheld: That it does not publish its own key.
        jwks: The whole document of its keys.
    """

    claims: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    algorithm: str = "RS256"
    other_key: bool = False
    kid: str | None = None
    userinfo: dict[str, Any] | None = None
    oversized: str | None = None
    redirected: str | None = None
    failing: str | None = None
    addresses: list[dict[str, Any]] | None = None
    odd_keys: list[Any] = field(default_factory=list)
    withheld: bool = False
    jwks: Any = None


@cache
def _made(kid: str, _: str) -> RSAKey:
    """A key that every fake has: making one takes a while."""
    return RSAKey.generate_key(2048, {"kid": kid})


@dataclass
class FakeProvider:
    """The provider, who the person is to it, and what it was asked."""

    now: Callable[[], datetime]
    subject: str = field(default_factory=lambda: secrets.token_hex(8))
    email: str = "ada@example.com"
    lies: Lies = field(default_factory=Lies)
    url: str = ""
    asked: list[str] = field(default_factory=list)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)
    _key: RSAKey = field(default_factory=lambda: _made("one", "published"))

    def rotate(self, kid: str) -> None:
        """Sign with a new key."""
        self._key = _made(kid, "published")

    def grant(self, authorization_url: str, *, iss: bool = True) -> dict[str, str]:
        """What the redirect says after somebody signed in at the URL."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(authorization_url).query).items()}
        assert (query["client_id"], query["response_type"]) == (CLIENT_ID, "code")
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe()
        self._codes[code] = query
        return {"code": code, "state": query["state"]} | ({"iss": self.url} if iss else {})

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer any request."""
        path = request.path
        self.asked.append(path)
        lie = self._lie(path)
        if lie is not None:
            return lie
        if path in {"/token", "/access_token"}:
            return await self._token(request)
        primary = {"email": self.email, "primary": True, "verified": True, "visibility": None}
        documents: dict[str, Any] = {
            "/.well-known/openid-configuration": self._metadata() | self.lies.metadata,
            "/jwks": self._published() if self.lies.jwks is None else self.lies.jwks,
            "/userinfo": self.lies.userinfo,
            "/user": {"id": int(self.subject, 16), "login": "ada", "name": "Ada Lovelace"},
            "/user/emails": self.lies.addresses or [primary],
        }
        if path.startswith("/user"):
            assert request.headers["authorization"].startswith("Bearer ")
        return web.json_response(documents[path]) if path in documents else web.Response(status=404)

    def _lie(self, path: str) -> web.Response | None:
        if path == self.lies.failing:
            return web.Response(status=500)
        if path == self.lies.oversized:
            return web.Response(body=b'"' + b"x" * 2_000_000 + b'"', content_type="application/json")
        if path == self.lies.redirected:
            return web.Response(status=302, headers={"location": f"{self.url}/elsewhere"})
        return None

    def _published(self) -> dict[str, Any]:
        own = [] if self.lies.withheld else [self._key.as_dict(private=False, use="sig")]
        return {"keys": [*self.lies.odd_keys, *own, {"kty": "new"}]}

    def _metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "authorization_response_iss_parameter_supported": True,
        }

    async def _token(self, request: web.Request) -> web.Response:
        body = {str(name): str(value) for name, value in (await request.post()).items()}
        query = self._codes.pop(body["code"], None)
        challenge = _encoded(hashlib.sha256(body["code_verifier"].encode()).digest())
        if query is None or (challenge, body["redirect_uri"]) != (query["code_challenge"], query["redirect_uri"]):
            return web.json_response({"error": "invalid_grant"}, status=400)
        if _client(request, body) != (CLIENT_ID, CLIENT_SECRET):
            return web.json_response({"error": "invalid_client"}, status=401)
        access_token = secrets.token_urlsafe()
        given = {"access_token": access_token, "token_type": "Bearer", "expires_in": _LIFE_SECONDS}
        if request.path == "/token":
            given["id_token"] = self._id_token(query["nonce"], access_token)
        return web.json_response(given)

    def _id_token(self, nonce: str, access_token: str) -> str:
        now = int(self.now().timestamp())
        digest = hashlib.sha256(access_token.encode()).digest()
        claims: dict[str, Any] = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "sub": self.subject,
            "iat": now,
            "exp": now + _LIFE_SECONDS,
            "nonce": nonce,
            "at_hash": _encoded(digest[:16]),
            "name": "Ada Lovelace",
        }
        if self.lies.userinfo is None:
            claims |= {"email": self.email, "email_verified": True}
        claims = {name: value for name, value in (claims | self.lies.claims).items() if value is not None}
        header = {"alg": self.lies.algorithm, "kid": self.lies.kid or self._key.kid}
        if self.lies.algorithm == "RS256":
            return jwt.encode(header, claims, _made("one", "not published") if self.lies.other_key else self._key)
        signed = f"{_encoded(json.dumps(header).encode())}.{_encoded(json.dumps(claims).encode())}"
        if self.lies.algorithm == "none":
            return f"{signed}."
        return f"{signed}.{_encoded(hmac.digest(self._key.as_pem(private=False), signed.encode(), 'sha256'))}"


def _client(request: web.Request, body: dict[str, str]) -> tuple[str, str]:
    if "authorization" in request.headers:
        shown = BasicAuth.decode(request.headers["authorization"])
        return shown.login, shown.password
    return body.get("client_id", ""), body.get("client_secret", "")


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@asynccontextmanager
async def identity_provider(now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> AsyncIterator[FakeProvider]:
    """One that listens on a free port of 127.0.0.1."""
    fake = FakeProvider(now)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", fake.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    fake.url = f"http://{host}:{port}"
    try:
        yield fake
    finally:
        await runner.cleanup()
