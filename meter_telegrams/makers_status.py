"""What makers say in status records of their own about the values beside them.

A record behind VIF FF means what its maker decides. The words here are published by their makers
and say that a value in the same telegram is none; the value itself looks good, mostly 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from meter_telegrams.records.measures import Measure
from meter_telegrams.records.telegram import Record, Telegram

_SUPPLY = frozenset({Measure.FLOW_TEMPERATURE, Measure.TEMPERATURE_DIFFERENCE})
_RETURN = frozenset({Measure.RETURN_TEMPERATURE, Measure.TEMPERATURE_DIFFERENCE})

Bits = Mapping[int, frozenset[Measure]]

_MULTICAL_INFO_CODE: Bits = {0x08: _SUPPLY, 0x10: _RETURN, 0x20: _SUPPLY, 0x40: _RETURN}
"""Info code of MULTICAL heat meters, 16 or 32 bits: t1 and t2 above range or switched off, t1 and
t2 below range or short-circuited; technical description of MULTICAL 403, section 7.7."""

_WORDS: Mapping[tuple[str, bytes], Bits] = {
    ("KAM", b"\xff\x22"): _MULTICAL_INFO_CODE,
}
"""Maker and value information field of the status word to what each bit breaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MakersStatus:
    """What the status words of a telegram say.

    Attributes:
        has_error: Whether any bit is set: the values are doubtful.
        broken: What is not measured while it says so; a record of these has no value.
    """

    has_error: bool = False
    broken: frozenset[Measure] = frozenset()


def makers_status(telegram: Telegram) -> MakersStatus:
    """Return what the maker's own status words say; nothing for makers that are not known."""
    maker = "" if telegram.address is None else telegram.address.manufacturer
    has_error = False
    broken: frozenset[Measure] = frozenset()
    for word, bits in _words(maker, telegram.records):
        has_error = has_error or word != 0
        broken = broken.union(*(measures for bit, measures in bits.items() if word & bit))
    return MakersStatus(has_error=has_error, broken=broken)


def _words(maker: str, records: Sequence[Record]) -> Sequence[tuple[int, Bits]]:
    found = []
    for record in records:
        # right behind the DIF: a word with DIFEs is another tariff's or part's
        bits = _WORDS.get((maker, record.header[1:]))
        if bits is not None and record.storage == 0:
            found.append((int.from_bytes(record.data, "little"), bits))
    return found
