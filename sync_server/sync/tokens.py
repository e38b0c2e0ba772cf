"""The cursor of a tablet as an opaque text: per bucket a position, and the floor of a first pass.

A position never is a time (trap T2). The floor is the head when a pass from nothing began: until
that pass is done, tombstones purged below the floor were never owed to this tablet (trap T14).

An idle tablet sends the text at every poll, so it is short: a bucket is named by a mark of six
letters, buckets at one position stand together, numbers are in base 36.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from wire_contracts.codes import Code
from wire_contracts.errors import ContractError

_FIRST_VERSION = "1"
_VERSION = "2"
_SEPARATOR = "~"
_FIRST_PARTS = 3
_MARK_LETTERS = 6
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_LARGEST = 2**63


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far a tablet has read one bucket; `floor` is 0 once the first pass is done."""

    pos: int
    floor: int = 0

    @property
    def known(self) -> int:
        """The sequence below which nothing is missed."""
        return max(self.pos, self.floor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """All positions, under the server epoch that they belong to (RULINGS R1).

    Attributes:
        server_epoch: The epoch.
        positions: `mark_of` a bucket -> its position.
        key_id: The sealing key that the tablet was given, empty when none.
    """

    server_epoch: int
    positions: Mapping[str, Position]
    key_id: str = ""


def mark_of(bucket: str) -> str:
    """Return the mark of a bucket: 36 bits of its name's hash, of which a tablet has a dozen."""
    return base64.urlsafe_b64encode(hashlib.sha256(bucket.encode()).digest())[
        :_MARK_LETTERS
    ].decode()


def dump_token(cursor: Cursor) -> str:
    """Return the cursor as a text that a tablet keeps and sends back unread."""
    together: dict[Position, list[str]] = {}
    for mark, position in sorted(cursor.positions.items()):
        together.setdefault(position, []).append(mark)
    parts = [_VERSION, _text(cursor.server_epoch), cursor.key_id]
    for position, marks in together.items():
        floor = f".{_text(position.floor)}" if position.floor else ""
        parts += [f"{_text(position.pos)}{floor}", "".join(marks)]
    return _SEPARATOR.join(parts)


def parse_token(token: str) -> Cursor:
    """Return the cursor; raise ContractError when this server cannot have made the token."""
    version, *parts = token.split(_SEPARATOR)
    try:
        if version == _VERSION:
            return _parse(parts)
        if version == _FIRST_VERSION:
            return _parse_first(parts)
    except ValueError as error:
        raise _refused(token) from error
    raise _refused(token)


def _parse(parts: list[str]) -> Cursor:
    epoch, key_id, *groups = parts
    positions: dict[str, Position] = {}
    for place, marks in zip(groups[::2], groups[1::2], strict=True):
        pos, _, floor = place.partition(".")
        position = Position(pos=_number(pos, 36), floor=_number(floor or "0", 36))
        positions |= dict.fromkeys(_marks(marks), position)
    return Cursor(server_epoch=_number(epoch, 36), positions=positions, key_id=key_id)


def _marks(text: str) -> list[str]:
    if not text or len(text) % _MARK_LETTERS or not text.isascii():
        raise ValueError(text)
    return [text[first : first + _MARK_LETTERS] for first in range(0, len(text), _MARK_LETTERS)]


def _parse_first(parts: list[str]) -> Cursor:
    """Read a token of the first version, which named every bucket in full."""
    epoch, *entries = parts
    if len(entries) % _FIRST_PARTS:
        raise ValueError(parts)
    return Cursor(
        server_epoch=_number(epoch, 10),
        positions={
            mark_of(name.replace("%7E", _SEPARATOR).replace("%25", "%")): Position(
                pos=_number(pos, 10), floor=_number(floor or "0", 10)
            )
            for name, pos, floor in zip(entries[::3], entries[1::3], entries[2::3], strict=True)
        },
    )


def _text(number: int) -> str:
    """Return the number in base 36."""
    digits = ""
    while True:
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
        if not number:
            return digits


def _number(text: str, radix: int) -> int:
    known = _DIGITS[:radix]
    if not text or len(text) > len(str(_LARGEST)) or any(each not in known for each in text):
        raise ValueError(text)
    number = int(text, radix)
    if number > _LARGEST:
        raise ValueError(text)
    return number


def _refused(token: str) -> ContractError:
    return ContractError(
        place="pull",
        field="token",
        problem=f"{token[:40]!r} is not one of this server's",
        remedy="pull without a token to start anew; the outbox stays",
        code=Code.PULL_RESET,
    )
