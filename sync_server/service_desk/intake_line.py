"""Decides what one typed line means: code, door, temperature; the rest are the caller's words.

An agent types `cold 3-2-1102 radiators cold since noon` or `漏气 3-2-1102 厨房有味`. Nothing that
was typed is lost: what is not recognised stays in the words.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sync_server.customers.address_words import folded
from sync_server.service_desk.catalogue import CLASS_OF_CODE, RULES
from sync_server.service_desk.danger_words import danger_in
from sync_server.service_desk.door_words import doors_in, plain
from sync_server.service_desk.request import RequestClass
from wire_contracts.orders import SafetyClass
from wire_contracts.quantities import Medium

LONGEST_LINE = 2000
"""Characters of a line: what a caller says in some minutes."""

_DEGREES = re.compile(r"^(-?\d{1,2}(?:\.\d)?)\s*(?:°?c|度|℃)$")
_METER = re.compile(r"^[a-z]{1,4}-?\d{3,12}$")
_MEDIA = {
    "gas": Medium.GAS,
    "heat": Medium.HEAT,
    "water": Medium.WATER,
    "燃气": Medium.GAS,
    "供热": Medium.HEAT,
    "供水": Medium.WATER,
}
_HAN_CODES = tuple(
    sorted(
        (code for code in CLASS_OF_CODE if not code.isascii()),
        key=lambda code: (RULES[CLASS_OF_CODE[code]].priority, -len(code)),
    )
)
_PLACE_MARK = "@"
_PIECE = re.compile(r"(?:[^\s，。、；,;]|(?<=\d),(?=\d))+")
_ENDS = " \t，。、；,;"


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeLine:
    """What a line says.

    Attributes:
        request_class: From a danger that is told, else from the first code, None without one.
        door: Building, unit and door such as `3-2-1102`; empty when none was typed.
        doors: All that may be the door; without `door` what may be a date or a telephone
            number, which is the door only when the register knows it.
        place: Words behind `@`, which narrow the place: a community, a street.
        room_degc: A room temperature that was named.
        meter_id: What looks like a meter's number, as it was typed.
        words: What the caller said: everything but the code and the place.
        words_with_place: Everything but the code: what is kept when the place led to no home.
    """

    request_class: RequestClass | None
    door: str
    doors: Sequence[str]
    place: str
    room_degc: float | None
    meter_id: str
    medium: Medium | None
    words: str
    words_with_place: str

    @property
    def search(self) -> str:
        """Return what to look the address up by; empty when no place was typed."""
        return " ".join(part for part in (self.place, self.door) if part)


def parse_line(typed: str, door: str | None = None) -> IntakeLine:
    """Return what a line of at most `LONGEST_LINE` characters says; longer ones are cut.

    `door` says which of the line's `doors` is meant; without it the likeliest is.
    """
    text = typed[:LONGEST_LINE]
    found = list(_PIECE.finditer(text))
    pieces = [each.group() for each in found]
    likely, doubtful = doors_in(text)
    meant = door if door is not None else next(iter(likely), "")
    code_at, request_class = _most_dangerous(pieces)
    places = [each[1:] for each in pieces if _is_place(each)]
    meter = next((each for each in pieces if _METER.match(each.casefold())), "")
    degrees = next(filter(None, (_DEGREES.match(folded(each)) for each in pieces)), None)
    medium = next((_MEDIA[folded(each)] for each in pieces if folded(each) in _MEDIA), None)
    code = {index for index in (code_at,) if index >= 0}
    place = {i for i, each in enumerate(pieces) if _is_place(each) or plain(each) == meant}
    return IntakeLine(
        request_class=request_class,
        door=meant,
        doors=likely or doubtful,
        place=" ".join(places),
        room_degc=float(degrees.group(1)) if degrees else None,
        meter_id=meter,
        medium=medium,
        words=_without(text, found, code | place),
        words_with_place=_without(text, found, code),
    )


def _is_place(piece: str) -> bool:
    return len(piece) > 1 and folded(piece).startswith(_PLACE_MARK)


def _without(text: str, pieces: Sequence[re.Match[str]], cut: Collection[int]) -> str:
    """Return the text without some of its pieces, and without the commas they leave at its ends."""
    left = text
    for index in sorted(cut, reverse=True):
        start, end = pieces[index].span()
        left = f"{left[:start]} {left[end:]}"
    words = " ".join(left.split())
    return words.strip(_ENDS) if cut else words


def _most_dangerous(tokens: Sequence[str]) -> tuple[int, RequestClass | None]:
    """Return what `_code` does, but a danger that is told wins over any harmless code."""
    code_at, found = _code(tokens)
    danger = danger_in(" ".join(tokens))
    if danger is None or (found is not None and RULES[found].safety_class is SafetyClass.A):
        return code_at, found
    return -1, danger


def _code(tokens: Sequence[str]) -> tuple[int, RequestClass | None]:
    """Return which token is the code, -1 for none that would be taken out, and its class.

    A code in letters stands first, where no English word of the caller does. A Chinese one that
    is a word by itself is taken out too; inside a sentence it stays there.
    """
    for index, token in enumerate(tokens):
        found = CLASS_OF_CODE.get(folded(token))
        if found is not None and (index == 0 or not token.isascii()):
            return index, found
    text = folded(" ".join(tokens))
    inside = next((code for code in _HAN_CODES if code in text), None)
    return -1, CLASS_OF_CODE[inside] if inside is not None else None
