"""Decides whether two tables hold the same rows, whatever their order and their database."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from sync_server.db.bulk_io import Cell

_BYTES_OF_SUM = 8
_MODULUS = 1 << (8 * _BYTES_OF_SUM)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSum:
    """How many rows a table has, and the sum of their hashes modulo 2**64."""

    row_count: int
    checksum: int


def sum_rows(rows: Iterable[Sequence[Cell]]) -> TableSum:
    """Return the sum of rows; neither their order nor how a database spells a cell changes it."""
    row_count = 0
    checksum = 0
    for row in rows:
        row_count += 1
        checksum += _hash_row(row)
    return TableSum(row_count=row_count, checksum=checksum % _MODULUS)


def _hash_row(row: Sequence[Cell]) -> int:
    text = repr(tuple(map(_plain, row)))
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_BYTES_OF_SUM).digest()
    return int.from_bytes(digest, "big")


def _plain(cell: Cell) -> Cell:
    """Return a cell as both databases mean it: true is 1, and there is one zero."""
    if isinstance(cell, bool):
        return int(cell)
    if isinstance(cell, float):
        return cell + 0.0
    return cell
