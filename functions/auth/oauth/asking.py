"""What an application asks a person for: the parameters of `/oauth2/authorize`, read.

Sources: RFC 6749 section 4.1.1, RFC 7636 (S256 and nothing else), OpenID Connect Core section 3.1.2.1.
"""

import re
from collections.abc import Sequence

from auth.oauth.models import (
    Application,
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
    LoginRequired,
    RequestNotSupported,
    RequestUriNotSupported,
    UnsupportedResponseType,
    UnusableRequest,
)
from auth.oauth.parameters import Parameters
from auth.oauth.ports import Applications
from auth.oauth.scopes import asked_for
from auth.sign_in.starting import granted
from llmo_core.model import Model

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # the base64url of 32 bytes
_PLAIN_TEXT = re.compile(r"[ -~]{1,1000}")
_PROMPTS = frozenset({"login", "consent", "select_account"})


class Asked(Model):
    """What is asked for, once it makes sense."""

    scope: frozenset[str]
    code_challenge: str
    nonce: str | None


async def trusted(parameters: Parameters, applications: Applications) -> tuple[Application, str]:
    """The application that asks, and the address that its answer goes to, which it has registered to the letter.

    Before both are known nobody is sent anywhere. Raises UnusableRequest.
    """
    try:
        client_id, redirect_uri = parameters.identifier("client_id"), parameters.get("redirect_uri")
    except InvalidRequest as error:
        raise UnusableRequest(error.detail) from error
    application = await applications.by_id(client_id) if client_id is not None else None
    if application is None:
        raise UnusableRequest("We do not know the application that sent you here.")
    if redirect_uri is None or redirect_uri not in application.redirect_uris:
        raise UnusableRequest("The application wants you sent to an address that it has not registered.")
    return application, redirect_uri


def state_of(parameters: Parameters) -> str | None:
    """What the application wants back with every answer; one that is malformed comes back with none."""
    values = parameters.every("state")
    return values[0] if len(values) == 1 and _PLAIN_TEXT.fullmatch(values[0]) else None


def read(parameters: Parameters, application: Application, *, issuer: str) -> Asked:
    """What an application asks for. Raises a refusal that it is to be told."""
    if parameters.get("request") is not None:
        raise RequestNotSupported
    if parameters.get("request_uri") is not None:
        raise RequestUriNotSupported
    if parameters.need("response_type") != "code":
        raise UnsupportedResponseType
    if parameters.get("response_mode") not in {None, "query"}:
        raise InvalidRequest("Answers come in the query.")
    if parameters.get("state") != state_of(parameters):
        raise InvalidRequest("A state has 1 to 1000 printable ASCII characters.")
    nonce = parameters.get("nonce")
    if nonce is not None and _PLAIN_TEXT.fullmatch(nonce) is None:
        raise InvalidRequest("A nonce has 1 to 1000 printable ASCII characters.")
    _check_prompt(parameters.get("prompt"))
    check_targets(parameters, issuer)
    return Asked(scope=_scope(parameters, application), code_challenge=_challenge(parameters), nonce=nonce)


def check_targets(parameters: Parameters, issuer: str) -> None:
    """Raise InvalidTarget for a resource that is not all of the API: no application gets tokens for less (RFC 8707)."""
    if set(targets(parameters)) - {issuer}:
        raise InvalidTarget


def targets(parameters: Parameters) -> Sequence[str]:
    """What a token shall be for, by either name."""
    return [*parameters.every("resource"), *parameters.every("audience")]


def _challenge(parameters: Parameters) -> str:
    challenge = parameters.need("code_challenge")
    if parameters.get("code_challenge_method") != "S256" or _CHALLENGE.fullmatch(challenge) is None:
        raise InvalidRequest("A code challenge is made with S256.")
    return challenge


def _scope(parameters: Parameters, application: Application) -> frozenset[str]:
    asked = asked_for(parameters.get("scope"))
    most = frozenset(permission.value for permission in application.permissions)
    scope = most if asked is None else granted(asked, most)
    if not scope:
        raise InvalidScope
    return scope


def _check_prompt(prompt: str | None) -> None:
    """Everybody is asked to sign in and to allow, each time: that is what these prompts want."""
    prompts = frozenset((prompt or "login").split(" "))
    if prompts == {"none"}:
        raise LoginRequired
    if not prompts <= _PROMPTS:
        raise InvalidRequest("There is no such prompt.")
