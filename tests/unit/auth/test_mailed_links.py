"""The pages behind the links of mails: what is shown of a link, and in which language."""

import json
from html import escape
from uuid import UUID

import pytest
from fastapi.responses import HTMLResponse
from hypothesis import example, given
from hypothesis import strategies as st

from auth.mailed_links.languages import LANGUAGES, language_of
from auth.mailed_links.links import IncompleteLink, InvitationLink, invitation_in, token_in
from auth.mailed_links.rendering import Pages
from auth.mailed_links.words import WORDS
from auth.one_time_tokens import OneTimeTokens

ORG = UUID("01987654-0000-7000-8000-000000000001")
HOSTILE = "\"'><script>alert(1)</script>&{{ 7 * 7 }}@example.com"
PREFERRED = {
    "": "en",
    "de": "de",
    "fr-CA,fr;q=0.9,en;q=0.8": "fr",
    "de-AT": "de",
    "en;q=0.2, DE;q=0.7": "de",
    "es, fr;q=0.5": "fr",
    "de;q=0, fr;q=0.1": "fr",
    "es": "en",
    "*": "en",
    "den": "en",
    "de;q=2, fr": "fr",
}


def text_of(page: HTMLResponse) -> str:
    return bytes(page.body).decode()


def test_a_page_is_in_the_language_that_is_preferred_of_ours() -> None:
    assert {accepted: language_of(accepted) for accepted in PREFERRED} == PREFERRED


@given(accepted=st.text(max_size=200))
def test_a_header_that_makes_no_sense_leads_to_a_language_of_ours(accepted: str) -> None:
    assert language_of(accepted) in LANGUAGES


def test_every_language_has_its_own_words() -> None:
    assert WORDS.keys() == set(LANGUAGES)
    for name in type(WORDS["en"]).model_fields:
        assert len({str(getattr(words, name)) for words in WORDS.values()}) == len(WORDS), name


@given(text=st.text(max_size=300))
@example(text="")
@example(text="a" * 151)
@example(text="$(rm -rf ~)")
@example(text='x"}')
@example(text="token\n")
def test_what_is_shown_of_a_link_is_nothing_that_means_more_than_itself_anywhere(text: str) -> None:
    for parse in (token_in, lambda text: invitation_in(text).token):
        try:
            shown = parse(text)
        except IncompleteLink:
            continue
        assert shown == escape(shown) == json.dumps(shown)[1:-1]
        assert not set(shown) & set(" \n$`\\;|&")


def test_the_tokens_that_are_mailed_are_complete() -> None:
    token, _ = OneTimeTokens(b"secret").make("invitation")

    assert token_in(token) == token
    assert invitation_in(f"{ORG}.{token}").model_dump() == {"org_id": ORG, "token": f"{ORG}.{token}"}


def test_the_token_of_an_invitation_names_an_organization() -> None:
    for text in ("a-token", "a.b", str(ORG), f"{ORG}.", f"{ORG}/../x.token", f".{ORG}", f"{ORG}.a.b"):
        with pytest.raises(IncompleteLink):
            invitation_in(text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_a_page_is_given_is_text_on_it(language: str) -> None:
    pages = Pages(accepted=language, api_url="https://llmo.example")
    invited = pages.join(InvitationLink(org_id=ORG, token=HOSTILE), HOSTILE)
    for page in (pages.verify(HOSTILE, HOSTILE), pages.reset(HOSTILE), pages.confirm(HOSTILE), invited):
        text = text_of(page)
        assert "<script" not in text
        assert "&lt;script&gt;" in text
        assert "{{ 7 * 7 }}" in text
        assert f'<html lang="{language}">' in text
