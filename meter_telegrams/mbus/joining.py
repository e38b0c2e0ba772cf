"""One answer out of the telegrams of one readout (DIF 1F: more records follow).

Also out of the bytes that a stored frame keeps of it (RULINGS R17): frames one behind the other.
"""

from collections.abc import Sequence
from dataclasses import replace

from meter_telegrams.errors import RefusedTelegramError, TelegramCode
from meter_telegrams.mbus.frames import split_frames
from meter_telegrams.mbus.telegram import decode_mbus
from meter_telegrams.records.telegram import Function, MeterAddress, Telegram


def decode_readout(raw: bytes, *, key: bytes | None = None) -> Telegram:
    """Return the telegram of a wired readout as a frame keeps it.

    Raises:
        RefusedTelegramError: A frame is damaged, or not all are of one meter.
    """
    frames = split_frames(raw) or (b"",)
    return joined([decode_mbus(frame, key=key) for frame in frames])


def joined(telegrams: Sequence[Telegram]) -> Telegram:
    """Return the telegrams as one: header of the first, records of all, every status bit set.

    Args:
        telegrams: At least one, in the order they came.

    Raises:
        RefusedTelegramError: They are not all of one meter.
    """
    first = telegrams[0]
    status = first.status
    records = list(first.records)
    for number, each in enumerate(telegrams[1:], 2):
        if each.address != first.address:
            others = f"is from {_named(each.address)}, the first from {_named(first.address)}"
            raise RefusedTelegramError(
                TelegramCode.FRAME,
                "readout",
                "address",
                f"telegram {number} {others}",
                "read the meter again",
            )
        if each.status is not None:
            status = (status or 0) | each.status
        records += each.records
    kept = [record for record in records if record.function is not Function.MORE_FOLLOWS]
    return replace(first, status=status, records=tuple(kept), has_more=telegrams[-1].has_more)


def _named(address: MeterAddress | None) -> str:
    """Return the meter as its name plate says it."""
    if address is None:
        return "a meter without a name"
    return f"{address.manufacturer} {address.identification}"
