"""Decides which typed names are the same one: width, capitals, blanks and dashes do not count."""

import re
import unicodedata
from typing import Final

_MINUS: Final = "\N{MINUS SIGN}"
_SEPARATOR: Final = re.compile(r"[\s-]+")


def plain_text(text: str) -> str:
    """Return a text in half width and small letters, with every dash as a hyphen."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(
        "-" if unicodedata.category(each) == "Pd" or each == _MINUS else each for each in plain
    ).strip()


def plain_name(name: str) -> str:
    """Return what a valve or a place is known by, however it was typed: `VW-014` is `vw 014`.

    Blanks and dashes count between two digits alone: `1-12` is not `11-2`; every digit does.
    """
    return _SEPARATOR.sub(_joint, plain_text(name))


def _joint(found: re.Match[str]) -> str:
    before, after = found.string[: found.start()], found.string[found.end() :]
    return "-" if before[-1:].isdecimal() and after[:1].isdecimal() else ""


def bare_name(name: str) -> str:
    """Return the letters and digits of a number on a device or a tag: `04:A2:B3` is `04a2b3`."""
    return "".join(each for each in plain_text(name) if each.isalnum())
