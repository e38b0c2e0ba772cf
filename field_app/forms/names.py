"""Decides which typed names are the same one: width, capitals, blanks and dashes do not count."""

import re
import unicodedata
from typing import Final

_MINUS: Final = "\N{MINUS SIGN}"
_BETWEEN: Final = re.compile(r"[\s-]+")
_OF_DIGITS: Final = re.compile(r"(?<=[0-9])[\s-]+(?=[0-9])")
_JOINT: Final = "\0"
"""Stands for what is kept between two digits; nobody types it."""


def plain_text(text: str) -> str:
    """Return a text in half width and small letters, with every dash as a hyphen."""
    plain = unicodedata.normalize("NFKC", text).casefold().strip()
    return "".join(
        "-" if unicodedata.category(each) == "Pd" or each == _MINUS else each for each in plain
    )


def plain_name(name: str) -> str:
    """Return what a valve or a place is known by, however it was typed: `VW-014` is `vw 014`.

    Blanks and dashes count between two digits alone: `1-12` is not `11-2`; every digit does.
    """
    kept = _OF_DIGITS.sub(_JOINT, plain_text(name))
    return _BETWEEN.sub("", kept).replace(_JOINT, "-")


def bare_name(name: str) -> str:
    """Return the letters and digits of a number on a device or a tag: `04:A2:B3` is `04a2b3`."""
    return "".join(each for each in plain_text(name) if each.isalnum())
