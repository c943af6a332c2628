"""Mails: styles inlined, nothing in them that acts, and the same as text."""

from contextlib import suppress
from pathlib import Path

import pytest

from notification.templates.language import Failed
from notification.templates.mail import mail


def test_styles_are_inlined_and_those_of_media_stay() -> None:
    html = mail(
        subject="x",
        html="<style>p { color: red } @media (max-width: 1px) { p { color: blue } }</style><p>x</p>",
    ).html
    assert '<p style="color: red;">x</p>' in html
    assert "@media" in html


def test_nothing_is_fetched_from_anywhere(tmp_path: Path) -> None:
    sheet = tmp_path / "x.css"
    sheet.write_text("p { color: red }")
    for address in (str(sheet), sheet.as_uri(), "https://x.invalid/x.css", "x.css"):
        html = mail(
            subject="x", html=f'<link rel="stylesheet" href="{address}"><style>@import "{address}";</style><p>x</p>'
        ).html
        assert "<p>x</p>" in html
        assert "<link" not in html


@pytest.mark.parametrize(
    "markup",
    [
        "<script>acts()</script>",
        "<p onclick='acts()'>x</p>",
        "<p ONMOUSEOVER=acts()>x</p>",
        "<a href='javascript:acts()'>x</a>",
        "<a href=' java\tscript:acts()'>x</a>",
        "<a href='data:text/html,acts()'>x</a>",
        "<img src='javascript:acts()'>",
        "<img src='data:text/html,acts()'>",
        "<img srcset='acts()'>",
        "<iframe src='https://x/acts()'></iframe>",
        "<iframe srcdoc='acts()'></iframe>",
        "<object data='acts()'></object>",
        "<embed src='acts()'>",
        "<form action='acts()'><button formaction='acts()'>acts()</button></form>",
        "<svg onload='acts()'><a xlink:href='acts()'>acts()</a></svg>",
        "<math><mi xlink:href='acts()'></mi></math>",
        "<meta http-equiv='refresh' content='0; acts()'>",
        "<base href='acts()'>",
        "<noscript><p title='</noscript><script>acts()</script>'></noscript>",
        "<table background='javascript:acts()'></table>",
        "<template><script>acts()</script></template>",
    ],
)
def test_nothing_in_a_mail_acts(markup: str) -> None:
    assert "acts" not in mail(subject="x", html=f"<p>before</p>{markup}").html


@pytest.mark.parametrize("around", ["<svg><script>", "<math><script>", "<noscript>", "<!--->", "<style><!--</style>"])
def test_what_is_text_to_one_parser_and_markup_to_another_takes_nothing_down_either(around: str) -> None:
    with suppress(Failed):
        assert "<div><div>" not in mail(subject="x", html=around + "<div>" * 20_000).html


def test_of_comments_only_those_stay_that_outlook_goes_by() -> None:
    html = mail(subject="x", html="<p>a<!-- b -->c<!--[if mso]>d<![endif]-->e<?f g?>h</p>").html
    assert "<p>ac<!--[if mso]>d<![endif]-->eh</p>" in html


def test_links_and_pictures_stay() -> None:
    html = mail(
        subject="x",
        html="<a href='https://x/?a=1&amp;b=2'>1</a><a href='mailto:a@b.c'>2</a><a href='tel:+1'>3</a>"
        "<img src='https://x/y.png' alt='y'><img src='cid:z'><img src='data:image/png;base64,AA=='>",
    ).html
    for kept in ("https://x/?a=1&amp;b=2", "mailto:a@b.c", "tel:+1", "https://x/y.png", "cid:z", "data:image/png"):
        assert kept in html


def test_the_text_says_the_same_with_its_links() -> None:
    text = mail(
        subject="x",
        html="<title>not this</title><style>p { color: red }</style><div style='display: none'>nor this</div>"
        "<h1>Head</h1>"
        "<p>One <b>two</b> <a href='https://x/y'>three</a></p><ul><li>four</li></ul>"
        "<table><tr><td>a</td><td>b</td></tr></table><p><a href='https://x/z'>https://x/z</a></p>"
        "<p class='hint'>or this</p>",
    ).text
    assert text == "Head\n\nOne two three <https://x/y>\n\n* four\na | b\n\nhttps://x/z"


@pytest.mark.parametrize(
    "html",
    [
        "",
        "<div>" * 20_000,
        "<ul><li>" * 3_000,
        "<b>" * 20_000 + "x",
        "<style>" + "* { color: red }" * 2_000 + "</style>" + "<i>x</i>" * 20_000,
        "<" * 200_000,
        "&" * 200_000,
    ],
)
def test_no_html_takes_everything_down(html: str) -> None:
    with pytest.raises(Failed):
        mail(subject="x", html=html)


def test_a_wide_table_does_not_become_megabytes_of_space() -> None:
    html = "<table>" + "<tr><td>x</td><td>" + "y" * 50_000 + "</td></tr>" + "<tr><td>x</td></tr>" * 3_000 + "</table>"
    assert len(mail(subject="x", html=html).text) < 100_000


def test_a_subject_is_one_line() -> None:
    assert mail(subject="Hello\r\nBcc: everybody@example.com\u2028x", html="<p>x</p>").subject == (
        "Hello Bcc: everybody@example.com x"
    )
