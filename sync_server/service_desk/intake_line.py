"""Decides what one typed line means: code, door, temperature; the rest are the caller's words.

An agent types `cold 3-2-1102 radiators cold since noon` or `漏气 3-2-1102 厨房有味`. Nothing that
was typed is lost: what is not recognised stays in the words.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sync_server.customers.address_words import folded
from sync_server.service_desk.catalogue import CLASS_OF_CODE
from sync_server.service_desk.request import RequestClass
from wire_contracts.quantities import Medium

LONGEST_LINE = 2000
"""Characters of a line: what a caller says in some minutes."""

_DOOR = re.compile(r"^\d{1,4}(?:-\d{1,4}){1,3}$")
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
    sorted((code for code in CLASS_OF_CODE if not code.isascii()), key=len, reverse=True)
)
_PLACE_MARK = "@"


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeLine:
    """What a line says.

    Attributes:
        request_class: From the first code, None when there is none.
        door: Building, unit and door such as `3-2-1102`; empty when none was typed.
        place: Words behind `@`, which narrow the place: a community, a street.
        room_degc: A room temperature that was named.
        meter_id: What looks like a meter's number, as it was typed.
        words: What the caller said: everything but codes and places.
    """

    request_class: RequestClass | None
    door: str
    place: str
    room_degc: float | None
    meter_id: str
    medium: Medium | None
    words: str

    @property
    def search(self) -> str:
        """Return what to look the address up by; empty when no place was typed."""
        return " ".join(part for part in (self.place, self.door) if part)


def parse_line(typed: str) -> IntakeLine:
    """Return what a line of at most `LONGEST_LINE` characters says; longer ones are cut."""
    tokens = typed[:LONGEST_LINE].split()
    code_at, request_class = _code(tokens)
    door = next((each for each in tokens if _DOOR.match(each)), "")
    places = [each[1:] for each in tokens if each.startswith(_PLACE_MARK) and len(each) > 1]
    meter = next((each for each in tokens if _METER.match(each.casefold())), "")
    degrees = next(filter(None, (_DEGREES.match(folded(each)) for each in tokens)), None)
    medium = next((_MEDIA[folded(each)] for each in tokens if folded(each) in _MEDIA), None)
    said = [
        each
        for index, each in enumerate(tokens)
        if index != code_at and each != door and not (each[0] == _PLACE_MARK and len(each) > 1)
    ]
    return IntakeLine(
        request_class=request_class,
        door=door,
        place=" ".join(places),
        room_degc=float(degrees.group(1)) if degrees else None,
        meter_id=meter,
        medium=medium,
        words=" ".join(said),
    )


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
