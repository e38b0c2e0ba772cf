"""Compact telegrams: the values alone, whose heads an earlier full telegram has shown.

EN 13757-3:2018 annex G: a compact telegram carries the CRC of the heads (format signature), the
CRC of the full telegram that it stands for, and the data. A format is learnt from any full
telegram; both CRCs must fit, so that a wrong format never yields a value.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from meter_telegrams.crc_en13757 import crc_en13757
from meter_telegrams.errors import RefusedTelegramError, TelegramCode
from meter_telegrams.records.codings import SPECIAL, VARIABLE, fixed_size
from meter_telegrams.records.record_bytes import FILLER
from meter_telegrams.records.telegram import Telegram

Heads = tuple[bytes, ...]
Formats = Mapping[int, Heads]
"""Format signature to the heads of the records, in order."""

NO_FORMATS: Formats = MappingProxyType({})

_PREFIX = 4
_DECRYPTED = bytes([FILLER] * 2)
"""The two fillers that prove a decryption; the signature behind them may begin with one too."""


def learnt(telegram: Telegram, formats: Formats = NO_FORMATS) -> Formats:
    """Return the formats with the one of this full telegram, unless it cannot be one.

    Telegrams with data of variable length or of the maker stand for no format.
    """
    heads = tuple(record.header for record in telegram.records)
    if not heads or any(not _is_fixed(head) for head in heads):
        return formats
    return {**formats, crc_en13757(b"".join(heads)): heads}


def _is_fixed(head: bytes) -> bool:
    return head[0] & 0x0F not in {VARIABLE, SPECIAL}


def expanded(body: bytes, formats: Formats) -> bytes:
    """Return the records that a compact telegram stands for.

    Args:
        body: What follows the header, decrypted.
        formats: What is known.

    Raises:
        RefusedTelegramError: The format is not known, or what it gives is not the full telegram.
    """
    body = body.removeprefix(_DECRYPTED)
    if len(body) < _PREFIX:
        raise _refused(TelegramCode.CUT, "length", f"{len(body)} bytes", "read the meter again")
    signature = int.from_bytes(body[:2], "little")
    heads = formats.get(signature)
    if heads is None:
        problem = f"{signature:04X} is not known, without it the values have no meaning"
        remedy = "show a full telegram (CI 72, 78 or 7A) of the same meter first"
        raise _refused(TelegramCode.COMPACT, "format", problem, remedy)
    records, rest = _filled(heads, body[_PREFIX:])
    wanted = int.from_bytes(body[2:_PREFIX], "little")
    if crc_en13757(records) != wanted or rest.strip(bytes([FILLER])):
        problem = f"{wanted:04X} is not the CRC of what the format gives"
        raise _refused(TelegramCode.COMPACT, "CRC", problem, "read the meter again")
    return records


def _filled(heads: Sequence[bytes], data: bytes) -> tuple[bytes, bytes]:
    parts: list[bytes] = []
    at = 0
    for head in heads:
        size = fixed_size(head[0] & 0x0F)
        parts += (head, data[at : at + size])
        at += size
    return b"".join(parts), data[at:]


def _refused(code: TelegramCode, field: str, problem: str, remedy: str) -> RefusedTelegramError:
    return RefusedTelegramError(code, "compact telegram", field, problem, remedy)
