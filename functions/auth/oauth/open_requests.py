"""Requests that a person has not decided on yet, between one page and the next."""

import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from auth.oauth.asking import Asked
from auth.oauth.models import REQUEST_LIFE, Application, AuthorizationRequest, RecognizedRequest, UnusableRequest
from auth.oauth.ports import Applications, Requests
from auth.one_time_tokens import OneTimeTokens
from auth.second_factors.models import Authenticated
from auth.sign_in.models import InvalidCredentials
from auth.sign_in.ports import People
from llmo_core.clock import Clock
from llmo_core.model import Model
from llmo_data.ports import Transaction

START_AGAIN = "This page is out of date. Go back to the application and start again."
_COOKIE, _FORM = "authorization request", "authorization form"


class Shown(Model):
    """What a browser is given with a page: its cookie, and what the page's form brings back."""

    cookie: str
    form: str


class Taken(Model):
    """A request whose form was used up, with what the next form has in it."""

    request: AuthorizationRequest
    application: Application
    next_form: str

    @property
    def recognized(self) -> RecognizedRequest | None:
        """The request, once its person has signed in."""
        return RecognizedRequest(**self.request.model_dump()) if self.request.user_id is not None else None


class OpenRequests:
    """Keeps requests under the digest of their browser's cookie, for ten minutes.

    A form works once, and only the one that was shown last.
    """

    def __init__(
        self,
        *,
        requests: Requests,
        applications: Applications,
        tokens: OneTimeTokens,
        people: People,
        transaction: Transaction,
        clock: Clock,
    ) -> None:
        self._requests = requests
        self._applications = applications
        self._tokens = tokens
        self._people = people
        self._transaction = transaction
        self._clock = clock

    async def open(self, application: Application, redirect_uri: str, state: str | None, asked: Asked) -> Shown:
        """Keep what an application asks for."""
        now = self._clock.now()
        cookie, cookie_hash = self._tokens.make(_COOKIE)
        form, form_hash = self._tokens.make(_FORM)
        await self._requests.add(
            AuthorizationRequest(
                cookie_hash=cookie_hash,
                form_hash=form_hash,
                client_id=application.id,
                redirect_uri=redirect_uri,
                code_challenge=asked.code_challenge,
                scope=sorted(asked.scope),
                state=state,
                nonce=asked.nonce,
                created_at=now,
                expires_at=now + REQUEST_LIFE,
            )
        )
        return Shown(cookie=cookie, form=form)

    async def take(self, cookie: str, form: str) -> Taken:
        """The request of a browser, whose form is used up by this. Raises UnusableRequest."""
        cookie_hash, form_hash = self._tokens.digest(_COOKIE, cookie), self._tokens.digest(_FORM, form)
        next_form, next_hash = self._tokens.make(_FORM)
        async with self._transaction(None):
            request = await self._requests.shown(cookie_hash)
            if request is None or request.expires_at <= self._clock.now():
                raise UnusableRequest(START_AGAIN)
            if not hmac.compare_digest(form_hash, request.form_hash):
                raise UnusableRequest(START_AGAIN)
            await self._requests.next_form(cookie_hash, next_hash)
        application = await self._applications.by_id(request.client_id)
        if application is None:
            raise UnusableRequest("The application was removed meanwhile.")
        return Taken(request=request, application=application, next_form=next_form)

    async def recognize(self, request: AuthorizationRequest, who: Authenticated, at: datetime) -> Shown:
        """Make a request somebody's, under another cookie: one that was put into their browser is worth nothing.

        Raises InvalidCredentials when their password was changed meanwhile: that ends what waits to be allowed.
        """
        cookie, cookie_hash = self._tokens.make(_COOKIE)
        form, form_hash = self._tokens.make(_FORM)
        person = who.person
        known = {
            "cookie_hash": cookie_hash,
            "form_hash": form_hash,
            "user_id": person.user_id,
            "authenticated_at": at,
            "amr": sorted(who.amr),
        }
        async with self._transaction(None):
            current = await self._people.locked(person.user_id)
            if current is None or current.password_hash != person.password_hash:
                raise InvalidCredentials
            async with self.closing(request):
                await self._requests.add(request.model_copy(update=known))
        return Shown(cookie=cookie, form=form)

    @asynccontextmanager
    async def closing(self, request: AuthorizationRequest) -> AsyncIterator[None]:
        """Forget a request, in one commit with what comes of it.

        Raises UnusableRequest when it is gone already: its person changed their password, or ended everything.
        """
        async with self._transaction(None):
            if not await self._requests.remove(request.cookie_hash):
                raise UnusableRequest(START_AGAIN)
            yield
