"""Stand-ins for push services: of browsers (Web Push), and Firebase Cloud Messaging with Google's tokens.

`POST /_fake/push/subscriptions` subscribes a browser, and answers what its `PushSubscription` would be;
`DELETE /_fake/push/subscriptions/<id>` unsubscribes it. What is pushed is decrypted with that browser's keys.
Firebase's registrations that begin with `unregistered`, `mismatch` or `invalid` are none; any others are good.

They lack: keeping notifications for browsers that are away, topics of Firebase, receipts of delivery.
"""

import base64
import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any, Final

import http_ece
import jwt
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from local.vendors.message_records import Records

type Json = dict[str, Any]

_LARGEST: Final = 4096
_MOST_SUBSCRIPTIONS: Final = 1000
_TOKEN_SECONDS: Final = 3600
_GOOGLES: Final = "https://oauth2.googleapis.com/token"  # what Google's library says, wherever it asks
_BAD_TOKENS: Final = {
    "unregistered": (404, "UNREGISTERED", "NOT_FOUND"),
    "mismatch": (403, "SENDER_ID_MISMATCH", "PERMISSION_DENIED"),
    "invalid": (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
}


@dataclass
class _Browser:
    """A browser that has subscribed, or had."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    subscribed: bool = True

    def keys(self) -> dict[str, str]:
        """What a page is told."""
        return {"p256dh": _text(_point(self.key.public_key())), "auth": _text(self.auth)}


class PushServices:
    """The stand-ins' routes.

    Args:
        records: Where notifications are kept.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._browsers: dict[str, _Browser] = {}
        self._tokens: dict[str, float] = {}

    def add_routes(self, app: web.Application) -> None:
        """Serve them."""
        app.router.add_post("/_fake/push/subscriptions", self._subscribe)
        app.router.add_delete("/_fake/push/subscriptions/{id}", self._unsubscribe)
        app.router.add_post("/push/{id}", self._push)
        app.router.add_post("/token", self._token)
        app.router.add_post("/v1/projects/{project}/messages:send", self._send)

    async def _subscribe(self, request: web.Request) -> web.Response:
        made, browser = secrets.token_urlsafe(12), _Browser()
        self._browsers[made] = browser
        if len(self._browsers) > _MOST_SUBSCRIPTIONS:
            self._browsers.pop(next(iter(self._browsers)))
        endpoint = f"{request.url.origin()}/push/{made}"
        return web.json_response({"endpoint": endpoint, "keys": browser.keys()}, status=201)

    async def _unsubscribe(self, request: web.Request) -> web.Response:
        browser = self._browsers.get(request.match_info["id"])
        if browser is None:
            raise web.HTTPNotFound
        browser.subscribed = False
        return web.Response(status=204)

    async def _push(self, request: web.Request) -> web.Response:
        browser = self._browsers.get(request.match_info["id"])
        if browser is None:
            raise web.HTTPNotFound
        if not browser.subscribed:
            raise web.HTTPGone
        problem = _vapid_problem(request)
        if problem is not None:
            return web.Response(status=403, text=problem)
        body = await request.read()
        if len(body) > _LARGEST:
            return web.Response(status=413)
        if not request.headers.get("TTL", "").isdigit() or request.headers.get("Content-Encoding") != "aes128gcm":
            return web.Response(status=400, text="TTL and Content-Encoding: aes128gcm are required.")
        shown = json.loads(http_ece.decrypt(body, private_key=browser.key, auth_secret=browser.auth))
        names = ("TTL", "Urgency", "Topic")
        made = self._records.add(
            "push",
            "web_push",
            to=str(request.url),
            title=shown["title"],
            text=shown["body"],
            url=shown.get("url"),
            message_id=shown.get("tag"),
            headers={name: request.headers[name] for name in names if name in request.headers},
        )
        return web.Response(status=201, headers={"Location": f"{request.url.origin()}/pushed/{made['id']}"})

    async def _token(self, request: web.Request) -> web.Response:
        """RFC 7523; whose signature it is nobody looks at here."""
        given = await request.post()
        try:
            claims = jwt.decode(str(given.get("assertion")), options={"verify_signature": False})
        except jwt.InvalidTokenError:
            claims = {}
        if claims.get("aud") not in {str(request.url), _GOOGLES} or claims.get("iss", "").startswith("wrong"):
            return web.json_response({"error": "invalid_grant", "error_description": "Invalid JWT."}, status=400)
        token = secrets.token_urlsafe(24)
        self._tokens[token] = time.time() + _TOKEN_SECONDS
        return web.json_response({"access_token": token, "expires_in": _TOKEN_SECONDS, "token_type": "Bearer"})

    async def _send(self, request: web.Request) -> web.Response:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self._tokens.get(token, 0) < time.time():
            return _firebase_error(401, "UNAUTHENTICATED", "UNAUTHENTICATED")
        message: Json = (await request.json())["message"]
        for beginning, problem in _BAD_TOKENS.items():
            if message["token"].startswith(beginning):
                return _firebase_error(*problem)
        made = self._records.add(
            "push",
            "fcm",
            to=message["token"],
            title=message["notification"]["title"],
            text=message["notification"]["body"],
            url=message["data"].get("url"),
            message_id=message["data"].get("message_id"),
            android=message.get("android"),
            apns=message.get("apns"),
        )
        return web.json_response({"name": f"projects/{request.match_info['project']}/messages/0:{made['id']}"})


def _vapid_problem(request: web.Request) -> str | None:
    """What is wrong with a sender's signature (RFC 8292), in words."""
    header = request.headers.get("Authorization", "")
    given = dict(part.strip().partition("=")[::2] for part in header.removeprefix("vapid ").split(","))
    try:
        point = base64.urlsafe_b64decode(given.get("k", "") + "==")
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        claims = jwt.decode(given.get("t", ""), key, ["ES256"], audience=str(request.url.origin()))
    except (ValueError, jwt.InvalidTokenError) as error:
        return f"The signature is none: {error}"
    if claims["exp"] > time.time() + 24 * 3600 or not str(claims.get("sub", "")).startswith(("mailto:", "https:")):
        return "The claims are none: exp is a day away at most, and sub says whom to ask."
    return None


def _firebase_error(status: int, code: str, name: str) -> web.Response:
    details = [{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}]
    error = {"code": status, "message": "An error of the stand-in's.", "status": name, "details": details}
    return web.json_response({"error": error}, status=status)


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
