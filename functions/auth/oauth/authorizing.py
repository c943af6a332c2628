"""Asking a person whether an application may act for them: signing in, deciding, and the code that comes of it."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import Field

from auth.models import Origin
from auth.oauth import asking, redirects
from auth.oauth.models import (
    CODE_LIFE,
    CODE_REMEMBERED,
    AccessDenied,
    Application,
    AuthorizationCode,
    InvalidScope,
    OAuthRefusal,
    RecognizedRequest,
    UnusableRequest,
)
from auth.oauth.open_requests import START_AGAIN, OpenRequests
from auth.oauth.parameters import Parameters
from auth.oauth.ports import Applications, Authenticates, Codes, Organizations
from auth.one_time_tokens import OneTimeTokens
from auth.organizations.models import JoinedOrganization
from auth.second_factors.models import Authenticated
from auth.sign_in.models import InvalidCredentials, NotAMember, TooManyAttempts
from auth.sign_in.starting import SessionStarter, granted, permissions_of
from llmo_core.clock import Clock
from llmo_core.errors import Unauthenticated
from llmo_core.ids import NewId
from llmo_core.model import Model


class Redirect(Model):
    """Back to the application, with an answer."""

    location: str = Field(repr=False)


class SignInPage(Model):
    """Who are you?

    Attributes:
        cookie: What the browser is told apart by from now on; None when it keeps the one that it has.
        form: What the form brings back, once.
        refused: Why the last attempt was none.
        retry_after_seconds: When the next one may be made, if it has to wait.
    """

    cookie: str | None = Field(None, repr=False)
    form: str = Field(repr=False)
    application: Application
    redirect_uri: str
    refused: str | None = None
    retry_after_seconds: float | None = None


class ConsentPage(Model):
    """May they? Members as in SignInPage.

    Attributes:
        registrar: The organization that registered the application.
        organizations: Which the person can choose from.
    """

    cookie: str = Field(repr=False)
    form: str = Field(repr=False)
    application: Application
    redirect_uri: str
    registrar: str
    organizations: Sequence[JoinedOrganization]
    scope: Sequence[str]


class AuthorizationService:
    """Takes a person through the steps."""

    def __init__(
        self,
        *,
        applications: Applications,
        requests: OpenRequests,
        codes: Codes,
        authenticates: Authenticates,
        organizations: Organizations,
        starter: SessionStarter,
        tokens: OneTimeTokens,
        issuer: str,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._applications = applications
        self._requests = requests
        self._codes = codes
        self._authenticates = authenticates
        self._organizations = organizations
        self._starter = starter
        self._tokens = tokens
        self._issuer = issuer
        self._clock = clock
        self._new_id = new_id

    async def begin(self, parameters: Parameters) -> SignInPage | Redirect:
        """The first page of an application's request, or its refusal. Raises UnusableRequest."""
        application, redirect_uri = await asking.trusted(parameters, self._applications)
        state = asking.state_of(parameters)
        try:
            asked = asking.read(parameters, application, issuer=self._issuer)
        except OAuthRefusal as error:
            return self._refusal(redirect_uri, state, error)
        shown = await self._requests.open(application, redirect_uri, state, asked)
        return SignInPage(cookie=shown.cookie, form=shown.form, application=application, redirect_uri=redirect_uri)

    async def sign_in(
        self, cookie: str, form: str, *, email: str | None, password: str | None, code: str | None, origin: Origin
    ) -> ConsentPage | SignInPage:
        """The second page for whoever has proved who they are, else the first one again. Raises UnusableRequest.

        No address, or no password, is a wrong one.
        """
        taken = await self._requests.take(cookie, form)
        if taken.request.user_id is not None:
            raise UnusableRequest(START_AGAIN)
        about = {"application": taken.application, "redirect_uri": taken.request.redirect_uri}
        try:
            who = await self._recognized(email, password, code, origin)
            shown = await self._requests.recognize(taken.request, who, self._clock.now())
        except Unauthenticated as error:
            return SignInPage(**about, form=taken.next_form, refused=error.detail)
        except TooManyAttempts as error:
            wait = error.retry_after_seconds
            return SignInPage(**about, form=taken.next_form, refused=error.detail, retry_after_seconds=wait)
        return ConsentPage(
            **about,
            cookie=shown.cookie,
            form=shown.form,
            registrar=await self._applications.registrar(taken.application),
            organizations=await self._organizations.of(who.person.user_id),
            scope=taken.request.scope,
        )

    async def _recognized(
        self, email: str | None, password: str | None, code: str | None, origin: Origin
    ) -> Authenticated:
        if email is None or password is None:
            raise InvalidCredentials
        return await self._authenticates.authenticate(email, password, code=code, origin=origin)

    async def deny(self, cookie: str, form: str) -> Redirect:
        """Tell the application no. Raises UnusableRequest."""
        request = (await self._requests.take(cookie, form)).request
        async with self._requests.closing(request):
            return self._refusal(request.redirect_uri, request.state, AccessDenied())

    async def allow(self, cookie: str, form: str, *, org_id: UUID | None) -> Redirect:
        """Give the application a code for what was asked, and the person may do in the organization.

        Whoever is in one organization need not choose it. Raises UnusableRequest.
        """
        request = (await self._requests.take(cookie, form)).recognized
        if request is None:
            raise UnusableRequest(START_AGAIN)
        if org_id is None and len(await self._organizations.of(request.user_id)) > 1:
            raise UnusableRequest("You have to choose an organization. Go back to the application and start again.")
        try:
            member = await self._starter.membership(request.user_id, org_id)
        except NotAMember as error:
            raise UnusableRequest(error.detail) from error
        async with self._requests.closing(request):
            scope = granted(request.scope, permissions_of(member))
            if not scope:
                return self._refusal(request.redirect_uri, request.state, InvalidScope())
            code = await self._code(request, member.org_id if member is not None else None, scope)
        return self._answer(request.redirect_uri, request.state, code=code)

    async def _code(self, request: RecognizedRequest, org_id: UUID | None, scope: frozenset[str]) -> str:
        now = self._clock.now()
        text, code_hash = self._tokens.make("authorization code")
        await self._codes.add(
            AuthorizationCode(
                **request.model_dump(include={"client_id", "redirect_uri", "code_challenge", "nonce"}),
                code_hash=code_hash,
                user_id=request.user_id,
                org_id=org_id,
                session_id=self._new_id(),
                scope=sorted(scope),
                authenticated_at=request.authenticated_at,
                amr=[*request.amr],
                created_at=now,
                valid_until=now + CODE_LIFE,
                expires_at=now + CODE_REMEMBERED,
            )
        )
        return text

    def _refusal(self, redirect_uri: str, state: str | None, error: OAuthRefusal) -> Redirect:
        return self._answer(redirect_uri, state, error=error.code, error_description=error.detail)

    def _answer(self, redirect_uri: str, state: str | None, **answer: str) -> Redirect:
        return Redirect(location=redirects.answer(redirect_uri, {**answer, "state": state, "iss": self._issuer}))
