"""Id tokens: who signed in, for the application that asked (OpenID Connect Core, sections 2 and 3.1.3.6)."""

from base64 import urlsafe_b64encode
from datetime import datetime
from hashlib import sha256

from auth.oauth.models import AuthorizationCode
from auth.oauth.ports import SignsIdentities
from auth.oauth.scopes import OPENID
from auth.sign_in.models import TokenPair


class IdTokens:
    """Makes id tokens where the scope has `openid`."""

    def __init__(self, *, signs: SignsIdentities) -> None:
        self._signs = signs

    def of(self, code: AuthorizationCode, pair: TokenPair, now: datetime) -> str | None:
        """The id token beside an access token; None when none was asked for. Raises NoSigningKey."""
        if OPENID not in code.scope:
            return None
        claims = {
            "sub": str(code.user_id),
            "aud": str(code.client_id),
            "iat": int(now.timestamp()),
            "exp": int((now + pair.expires_in).timestamp()),
            "auth_time": int(code.authenticated_at.timestamp()),
            "amr": [*code.amr],
            "at_hash": _left_half(pair.access_token),
        }
        return self._signs.sign_identity(claims if code.nonce is None else {**claims, "nonce": code.nonce})


def _left_half(access_token: str) -> str:
    """`at_hash`: the left half of the token's SHA-256."""
    return urlsafe_b64encode(sha256(access_token.encode()).digest()[:16]).rstrip(b"=").decode()
