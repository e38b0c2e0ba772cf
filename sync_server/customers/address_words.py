"""Decides what an address is found by: its words, and the numbers of building, unit and door."""

import re
import unicodedata
from collections.abc import Sequence

_DOOR = re.compile(r"(\d+)\s*(?:号楼|栋|幢|座)\s*(?:(\d+)\s*单元)?\s*(\d+)\s*(?:室|号|户)?")
_LONGEST = 1000
MOST_WORDS = 6
"""More words than that narrow no search."""


def folded(text: str) -> str:
    """Return the text as searches compare it: one width, small letters, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def door_code(address: str) -> str:
    """Return building, unit and door as people say them, such as `3-2-1102`; empty if none."""
    found = _DOOR.search(address)
    return "-".join(part for part in found.groups() if part) if found else ""


def search_text(address: str, *names: str) -> str:
    """Return what premises are found by: the address, its door code and its community's names."""
    return folded(" ".join((address, door_code(address), *names)))[:_LONGEST]


def search_words(typed: str) -> Sequence[str]:
    """Return the words that must all be in the text of premises, at most six."""
    return folded(typed).split()[:MOST_WORDS]
