"""Decides which cell a spreadsheet would take for a formula, and makes it harmless."""

import re
from typing import Final

_NUMBER: Final = re.compile(r"[+-]?\d+([.]\d+)?")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
"""What spreadsheets take for the beginning of a formula or a command (OWASP, CSV injection)."""

BYTE_ORDER_MARK: Final = "\ufeff"
"""Without it spreadsheets read Chinese as another encoding."""


def harmless(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: with an apostrophe where it might.

    A plain number keeps its sign. Control characters, which hide what follows, are left out.
    """
    plain = "".join(letter for letter in text if letter >= " " or letter in "\n\t")
    if plain.lstrip(" ").startswith(_FORMULA) and not _NUMBER.fullmatch(plain):
        return f"'{plain}"
    return plain
