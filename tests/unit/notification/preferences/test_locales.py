import pytest
from pydantic import TypeAdapter, ValidationError

from notification.preferences.locales import Locale, language_of

LOCALE: TypeAdapter[str] = TypeAdapter(Locale)


@pytest.mark.parametrize(
    ("tags", "language"),
    [
        (("de",), "de"),
        (("de-AT",), "de"),
        (("fr-Latn-CA-x",), "fr"),
        (("EN-us",), "en"),
        (("pt-BR",), "en"),
        (("den",), "en"),  # Slavey, and not German
        ((None, "fr-CH"), "fr"),
        (("pt-BR", "fr"), "en"),  # who asks for Portuguese did not ask for their organization's French
        ((None, None), "en"),
    ],
)
def test_everybody_reads_the_nearest_language_that_there_is(tags: tuple[str | None, ...], language: str) -> None:
    assert language_of(*tags) == language


@pytest.mark.parametrize("tag", ["de", "de-AT", "zh-Hant-TW", "sl-rozaj-biske", "es-419", "de-CH-1996"])
def test_tags_of_any_language_are_kept(tag: str) -> None:
    assert LOCALE.validate_python(tag) == tag


@pytest.mark.parametrize("tag", ["", "d", "de_AT", "deutsch!", "de-", "-de", "de\x00", "de\n", "a" * 36])
def test_what_is_no_tag_is_refused(tag: str) -> None:
    with pytest.raises(ValidationError):
        LOCALE.validate_python(tag)
