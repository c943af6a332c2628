"""The pages, in one of the languages that mails are written in. None of them has a script or sets a cookie."""

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from fastapi.responses import HTMLResponse
from pydantic import Field

from auth.mailed_links.calls import Calls
from auth.mailed_links.languages import language_of
from auth.mailed_links.links import InvitationLink
from auth.mailed_links.words import WORDS
from auth.pages import templates
from auth.registration.models import PasswordFault
from llmo_core.model import Model

_PAGES = Path(__file__).parent / "pages"


class Part(Model):
    """Something to read, and the call of the API that it speaks of."""

    text: str
    call: str | None = Field(None, repr=False)


class Form(Model):
    """What a page's button posts, and where to, beside the page; passwords are fields by name, with their labels."""

    action: str
    token: str = Field(repr=False)
    button: str
    passwords: Mapping[str, str] = {}


class Pages:
    """Every page, for one request.

    Args:
        accepted: The request's `Accept-Language`.
        api_url: Where clients reach the API.
    """

    def __init__(self, *, accepted: str, api_url: str) -> None:
        self._language = language_of(accepted)
        self._words = WORDS[self._language]
        self._calls = Calls(api_url)

    def verify(self, token: str, email: str) -> HTMLResponse:
        """Whether an account is to be opened for an address."""
        words = self._words
        form = Form(action="verify-email", token=token, button=words.verify_button)
        return self._page(words.verify_title, Part(text=words.verify.format(email)), form=form)

    def verified(self) -> HTMLResponse:
        """That there is an account."""
        return self._page(self._words.verified_title, self._sign_in())

    def verification_over(self) -> HTMLResponse:
        """That a link opens no account, or none any more."""
        part = Part(text=self._words.verify_over, call=self._calls.resend_verification())
        return self._page(self._words.over_title, part, status=HTTPStatus.NOT_FOUND)

    def reset(self, token: str) -> HTMLResponse:
        """Which password to have from now on."""
        return self._reset(token)

    def reset_differs(self, token: str) -> HTMLResponse:
        """The same after two different passwords."""
        return self._reset(token, self._words.differ)

    def reset_refused(self, token: str, fault: PasswordFault) -> HTMLResponse:
        """The same after a password that may not be chosen."""
        return self._reset(token, self._words.faults[fault])

    def changed(self) -> HTMLResponse:
        """That the password is another one."""
        return self._page(self._words.changed_title, self._sign_in())

    def reset_over(self) -> HTMLResponse:
        """That a link sets no password, or none any more."""
        part = Part(text=self._words.reset_over, call=self._calls.forgot_password())
        return self._page(self._words.over_title, part, status=HTTPStatus.NOT_FOUND)

    def confirm(self, token: str) -> HTMLResponse:
        """How somebody who is signed in gives their account another address."""
        words, calls = self._words, self._calls
        return self._page(
            words.confirm_title,
            Part(text=words.confirm_sign_in, call=calls.login()),
            Part(text=words.confirm, call=calls.confirm_email(token)),
            Part(text=words.confirm_refused, call=calls.change_email()),
        )

    def join(self, link: InvitationLink, email: str) -> HTMLResponse:
        """How the owner of an address joins an organization, once they are signed in."""
        words, calls = self._words, self._calls
        return self._page(
            words.join_title,
            Part(text=words.join_register.format(email), call=calls.register()),
            Part(text=words.join_sign_in, call=calls.login()),
            Part(text=words.join, call=calls.join(link)),
            Part(text=words.join_refused),
        )

    def invitation_over(self) -> HTMLResponse:
        """That an invitation is none, or none any more."""
        return self._page(self._words.over_title, Part(text=self._words.join_over), status=HTTPStatus.NOT_FOUND)

    def incomplete(self) -> HTMLResponse:
        """That a link is none of ours."""
        part = Part(text=self._words.incomplete)
        return self._page(self._words.incomplete_title, part, status=HTTPStatus.BAD_REQUEST)

    def _sign_in(self) -> Part:
        return Part(text=self._words.sign_in, call=self._calls.login())

    def _reset(self, token: str, refused: str | None = None) -> HTMLResponse:
        words = self._words
        passwords = {"password": words.password, "password_again": words.password_again}
        form = Form(action="reset-password", token=token, button=words.reset_button, passwords=passwords)
        return self._page(words.reset_title, Part(text=words.reset), form=form, refused=refused)

    def _page(
        self,
        title: str,
        *parts: Part,
        form: Form | None = None,
        refused: str | None = None,
        status: HTTPStatus = HTTPStatus.OK,
    ) -> HTMLResponse:
        template = templates.environment(_PAGES).get_template("page.html")
        text = template.render(language=self._language, title=title, parts=parts, form=form, refused=refused)
        return HTMLResponse(text, HTTPStatus.BAD_REQUEST if refused else status, templates.headers())
