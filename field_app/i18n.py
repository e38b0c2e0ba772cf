"""Owns the words: gettext catalogues, English being the msgid itself."""

import gettext
from pathlib import Path
from typing import Final

DOMAIN: Final = "field_app"
LOCALE_FOLDER: Final = Path(__file__).parent / "locale"
ENGLISH: Final = "en"
CHINESE: Final = "zh_CN"
LANGUAGES: Final = (CHINESE, ENGLISH)
"""The languages that the app speaks, the default first."""


def known_language(code: str) -> str:
    """Return the app's language for any language code, such as `zh-Hans-CN` or `en_GB`."""
    return CHINESE if code.lower().startswith("zh") else ENGLISH


class CatalogueWords:
    """One language's words."""

    def __init__(self, language: str) -> None:
        """Read the catalogue of the language; English needs none."""
        self._language = known_language(language)
        self._catalogue: gettext.NullTranslations = gettext.NullTranslations()
        if self._language != ENGLISH:
            self._catalogue = gettext.translation(
                DOMAIN, localedir=LOCALE_FOLDER, languages=[self._language]
            )

    @property
    def language(self) -> str:
        """Return the language code: `zh_CN` or `en`."""
        return self._language

    def __call__(self, msgid: str) -> str:
        """Return the text of an English msgid; an empty one stays empty."""
        return self._catalogue.gettext(msgid) if msgid else ""


class ChosenWords:
    """The words of the language chosen at the moment; presenters keep this one object."""

    def __init__(self, language: str) -> None:
        """Speak `language` until another one is chosen."""
        self._words = CatalogueWords(language)

    @property
    def language(self) -> str:
        """Return the language code chosen at the moment."""
        return self._words.language

    def choose(self, language: str) -> None:
        """Speak another language from now on; redraw afterwards."""
        self._words = CatalogueWords(language)

    def __call__(self, msgid: str) -> str:
        """Return the text of an English msgid in the chosen language."""
        return self._words(msgid)
