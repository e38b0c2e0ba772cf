"""The cursor of a tablet as an opaque text: per bucket a position, and the floor of a first pass.

A position never is a time (trap T2). The floor is the head when a pass from nothing began: until
that pass is done, tombstones purged below the floor were never owed to this tablet (trap T14).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from wire_contracts.codes import Code
from wire_contracts.errors import ContractError

_VERSION = "1"
_MARK = "~"
_PARTS = 3


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
    """All positions, under the server epoch that they belong to (RULINGS R1)."""

    server_epoch: int
    positions: Mapping[str, Position]


def dump_token(cursor: Cursor) -> str:
    """Return the cursor as a text that a tablet keeps and sends back unread."""
    parts = [_VERSION, str(cursor.server_epoch)]
    for bucket, position in sorted(cursor.positions.items()):
        parts += [_marked(bucket), str(position.pos), str(position.floor or "")]
    return _MARK.join(parts)


def parse_token(token: str) -> Cursor:
    """Return the cursor; raise ContractError when this server cannot have made the token."""
    version, *parts = token.split(_MARK)
    if version != _VERSION or len(parts) % _PARTS != 1:
        raise _refused(token)
    try:
        return Cursor(
            server_epoch=_number(parts[0]),
            positions={
                _unmarked(parts[index]): Position(
                    pos=_number(parts[index + 1]), floor=_number(parts[index + 2] or "0")
                )
                for index in range(1, len(parts), _PARTS)
            },
        )
    except ValueError as error:
        raise _refused(token) from error


def _marked(bucket: str) -> str:
    """Return a bucket's name without the mark: a crew's code may hold any character."""
    return bucket.replace("%", "%25").replace(_MARK, "%7E")


def _unmarked(text: str) -> str:
    return text.replace("%7E", _MARK).replace("%25", "%")


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(2**63)):
        raise ValueError(text)
    return int(text)


def _refused(token: str) -> ContractError:
    return ContractError(
        place="pull",
        field="token",
        problem=f"{token[:40]!r} is not one of this server's",
        remedy="pull without a token to start anew; the outbox stays",
        code=Code.PULL_RESET,
    )
