"""Calls of the API as they go over the wire, for people to send with whatever they use (RFC 9112)."""

import json

from auth.mailed_links.links import InvitationLink

_EMAIL, _PASSWORD = "…", "…"
_SIGNED_IN = "<access_token>"


class Calls:
    """The calls that go on from a mailed link; what the sender has to fill in is left out of them.

    Args:
        api_url: Where clients reach the API, without a trailing slash.
    """

    def __init__(self, api_url: str) -> None:
        self._api_url = api_url

    def register(self) -> str:
        """Ask for an account."""
        return self._post("/api/v1/auth/register", email=_EMAIL, password=_PASSWORD)

    def resend_verification(self) -> str:
        """Have the mail of a registration sent again."""
        return self._post("/api/v1/auth/resend-verification", email=_EMAIL)

    def login(self) -> str:
        """Sign in."""
        return self._post("/api/v1/auth/login", email=_EMAIL, password=_PASSWORD)

    def forgot_password(self) -> str:
        """Have a link mailed that resets the password."""
        return self._post("/api/v1/auth/forgot-password", email=_EMAIL)

    def change_email(self) -> str:
        """Have a link mailed to another address of one's own."""
        return self._post("/api/v1/me/email", signed_in=True, email=_EMAIL)

    def confirm_email(self, token: str) -> str:
        """Give the account that address."""
        return self._post("/api/v1/me/email/confirm", signed_in=True, token=token)

    def join(self, link: InvitationLink) -> str:
        """Join an organization."""
        return self._post(f"/api/v1/orgs/{link.org_id}/members", signed_in=True, invitation_token=link.token)

    def _post(self, path: str, *, signed_in: bool = False, **body: str) -> str:
        authorization = [f"Authorization: Bearer {_SIGNED_IN}"] if signed_in else []
        sent = json.dumps(body, ensure_ascii=False)
        return "\n".join([f"POST {self._api_url}{path}", *authorization, "Content-Type: application/json", "", sent])
