"""Decides whether a pattern could take for ever: in how many ways a text may be shared out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from wire_contracts.forms.functions import LONGEST_MATCHED

MOST_WAYS: Final = 2_000_000
"""Ways to share one text out among the parts of a pattern, each tried in turn. A million took 7 to
60 ms here (`[a-z]*[a-z]*[b-d]` over 1000 letters, `[ab]?` twenty times): a frame or two."""

_PART: Final = re.compile(
    r"(?P<atom>\\.|\[\^?\]?(?:\\.|[^\]])*\])|(?P<open>\((?:\?(?:[:=!>]|<[=!]|P<\w+>))?)"
    r"|(?P<close>\))|(?P<repeat>(?:[*+?]|\{\d*,?\d*\})[?+]?)|(?P<other>.)",
    re.DOTALL,
)
_SAMPLES: Final = "abzABZ059 _-.,:;/@+*#%'\"()[]{}<>=!?$&\\\t\né中文，。：\uff10"
"""Characters that stand for all, beside those of the pattern itself."""

_NO_WIDTH: Final = frozenset({"^", "$", r"\b", r"\B", r"\A", r"\Z"})


@dataclass(slots=True, kw_only=True)
class _Group:
    """A group while it is read: what it may hold, and whether it can be shared out within."""

    chars: set[str] = field(default_factory=set)
    is_variable: bool = False


class _Cost:
    """In how many ways a text of one character is shared out, by character, and the most so far."""

    def __init__(self, samples: frozenset[str]) -> None:
        self._samples = samples
        self._ways = dict.fromkeys(samples, 1)
        self._groups = [_Group()]
        self.last: _Group | None = None
        self.most = 1

    def group(self, *, is_open: bool) -> None:
        """Begin or end a group."""
        if is_open:
            self._groups.append(_Group())
            self.last = None
        elif len(self._groups) > 1:
            self.last = self._groups.pop()
            self._groups[-1].chars |= self.last.chars
            self._groups[-1].is_variable |= self.last.is_variable

    def repeat(self, low: int, high: int) -> bool:
        """Repeat the last part; return whether that alone could take for ever."""
        part = self.last or _Group()
        self._groups[-1].is_variable |= low != high
        for each in part.chars:
            self._ways[each] *= high - low + 1
            self.most = max(self.most, self._ways[each])
        return part.is_variable and high > 1

    def choice(self) -> None:
        """Go on with another branch."""
        self._groups[-1].is_variable = True
        if len(self._groups) == 1:
            self._ways = dict.fromkeys(self._samples, 1)

    def atom(self, text: str, *, is_needed: bool) -> None:
        """Take one character; one that must be there parts every text that it cannot be."""
        self.last = _Group(chars=_chars(text, self._samples))
        self._groups[-1].chars |= self.last.chars
        if is_needed and len(self._groups) == 1:
            for each in self._samples - self.last.chars:
                self._ways[each] = 1


def could_take_for_ever(pattern: str) -> bool:
    """Return whether a text could be matched in too many ways: tried one after another.

    That is a repeated group with a repeat or a choice in it, however deep (`(a+)+`), and parts that
    follow each other and can hold the same characters (`a*a*a*`, `.*.*.*`, `a?` thirty times).
    The pattern is one that `re` compiles.
    """
    cost = _Cost(frozenset(_SAMPLES + pattern))
    parts = [(each.group(), each.lastgroup or "") for each in _PART.finditer(pattern)]
    for index, (text, kind) in enumerate(parts):
        if kind in {"open", "close"}:
            cost.group(is_open=kind == "open")
        elif kind == "repeat" and cost.last is not None:
            if cost.repeat(*_bounds(text)):
                return True
        elif text == "|":
            cost.choice()
        elif text not in _NO_WIDTH:
            cost.atom(text, is_needed=not _may_be_missing(parts[index + 1 :]))
    return cost.most > MOST_WAYS


def _may_be_missing(following: Sequence[tuple[str, str]]) -> bool:
    if not following or following[0][1] != "repeat":
        return False
    return _bounds(following[0][0])[0] == 0


def _bounds(repeat: str) -> tuple[int, int]:
    """Return how often at the least and at the most; no text is longer than `LONGEST_MATCHED`."""
    if repeat[0] in "*+?":
        return int(repeat[0] == "+"), 1 if repeat[0] == "?" else LONGEST_MATCHED
    low, _, high = repeat.strip("{}?+").partition(",")
    least = int(low or 0)
    if "," not in repeat:
        return least, least
    return least, min(int(high), LONGEST_MATCHED) if high else LONGEST_MATCHED


def _chars(atom: str, samples: frozenset[str]) -> set[str]:
    """Return the characters that an atom can be; all of them where that cannot be told."""
    try:
        fits = re.compile(atom, re.DOTALL)
    except re.error:
        return set(samples)
    return {each for each in samples if fits.fullmatch(each)}
