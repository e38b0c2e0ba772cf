"""Texts for people: in the two languages of every screen, and safe to print on a terminal."""

from dataclasses import dataclass

from wire_contracts.fields import FieldReader, JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class BilingualText:
    """The same sentence in English and Chinese; the reader's language decides which is shown."""

    en: str
    zh: str

    def in_language(self, language: str) -> str:
        """Return the Chinese text for a language code that begins with `zh`, else English."""
        return self.zh if language.startswith("zh") else self.en


def text_json(text: BilingualText) -> JsonObject:
    """Return the text as a JSON object."""
    return {"en": text.en, "zh": text.zh}


def parse_text(reader: FieldReader) -> BilingualText:
    """Return the text; raise ContractError when a language is missing."""
    return BilingualText(en=reader.text("en", longest=2000), zh=reader.text("zh", longest=2000))


def printable(text: str) -> str:
    """Return the text without anything that a terminal would obey instead of show.

    What a meter or a gateway calls itself may hold escape sequences, tabs and ends of line.
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
