"""The telegram of a stored frame becomes readings by the rules of this release (RULINGS R17)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from firmware_profiles.errors import WordsError
from meter_telegrams.cjt188.frames import parse_frame
from meter_telegrams.cjt188.layout import PROFILES, Cjt188Profile
from meter_telegrams.cjt188.reading import decode_meter_data
from meter_telegrams.errors import TelegramError
from meter_telegrams.mbus.joining import decode_readout
from meter_telegrams.telegram_meaning import PROFILE as MBUS
from meter_telegrams.telegram_meaning import meaning_of
from wire_contracts.meter_frames import MeterFrame
from wire_contracts.quality import QualityCode
from wire_contracts.quantities import Quantity

_DATA_ANSWER = 0x81
_BEFORE_DATA = 3
"""Identifier and serial number; CJ/T 188-2018, 7.2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    values: Mapping[Quantity, float]
    quality: Mapping[Quantity, QualityCode]
    events: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramRedecoder:
    """Decodes telegrams again.

    Attributes:
        reference: `mbus@1`, or a reference of CJ/T 188 such as `cjt188_heat@1`.
    """

    reference: str

    def redecode(self, line: MeterFrame) -> MeterFrame:
        """Return the line with what this release says of its telegram, and without the telegram.

        Raises:
            WordsError: There is no telegram, or it is refused.
        """
        if line.frame.raw is None:
            message = "raw: is missing; export the telegrams with sync-server export-raw"
            raise WordsError(message)
        try:
            said = _said(self.reference, line.frame.raw)
        except TelegramError as error:
            message = f"raw: {error}"
            raise WordsError(message) from error
        frame = replace(
            line.frame,
            profile=self.reference,
            values=said.values,
            quality=said.quality,
            events=tuple(said.events),
            raw=None,
        )
        return replace(line, frame=frame)


def telegram_references() -> tuple[str, ...]:
    """Return what this release decodes telegrams by."""
    return (MBUS, *PROFILES)


def _said(reference: str, raw: bytes) -> _Said:
    profile = PROFILES.get(reference)
    if profile is not None:
        return _cjt188(raw, profile)
    meaning = meaning_of(decode_readout(raw))
    return _Said(values=meaning.values, quality=meaning.quality, events=meaning.events)


def _cjt188(raw: bytes, profile: Cjt188Profile) -> _Said:
    frame = parse_frame(raw)
    if frame.control != _DATA_ANSWER:
        message = f"control: is {frame.control:02X}, no answer with meter data"
        raise TelegramError(message)
    reading = decode_meter_data(frame.data[_BEFORE_DATA:], frame.meter_type, profile)
    return _Said(values=reading.values, quality=reading.quality, events=reading.events)
