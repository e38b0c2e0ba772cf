"""The telegram of a stored frame becomes readings by the rules of this release (RULINGS R17)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from firmware_profiles.errors import WordsError
from firmware_profiles.rates import COUNTS_UP, Trail, follow
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
    is_order_shown: bool = False


@dataclass(slots=True)
class _Before:
    """What the telegrams before of the same meter left.

    Attributes:
        at_utc: When the last of them was read.
        trails: The totals that were believed.
        is_order_shown: Whether a clock has shown the byte order.
    """

    at_utc: datetime
    trails: Mapping[Quantity, Trail] = field(default_factory=dict)
    is_order_shown: bool = False


@dataclass(slots=True, kw_only=True)
class TelegramRedecoder:
    """Decodes telegrams again; remembers those before of each meter, for totals that fall.

    Attributes:
        reference: `mbus@1`, or a reference of CJ/T 188 such as `cjt188_heat@1`.
    """

    reference: str
    _before: dict[str, _Before] = field(default_factory=dict)

    def redecode(self, line: MeterFrame) -> MeterFrame:
        """Return the line with what this release says of its telegram, and without the telegram.

        Raises:
            WordsError: There is no telegram, or it is refused.
        """
        if line.frame.raw is None:
            message = "raw: is missing; export the telegrams with sync-server export-raw"
            raise WordsError(message)
        try:
            said = self._judged(line, line.frame.raw)
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

    def _judged(self, line: MeterFrame, raw: bytes) -> _Said:
        """Return what a telegram says, as far as those before it let it be believed."""
        at_utc = line.frame.measured_at_utc
        before = self._before.setdefault(line.meter_id, _Before(at_utc))
        said = _said(self.reference, raw, is_order_known=before.is_order_shown)
        before.is_order_shown |= said.is_order_shown
        if at_utc < before.at_utc:
            return said
        good = {name: each for name, each in said.values.items() if name not in said.quality}
        found = follow(COUNTS_UP, before.trails, good, at_utc)
        before.at_utc, before.trails = at_utc, found.trails
        return replace(said, quality={**found.suspects, **said.quality})


def telegram_references() -> tuple[str, ...]:
    """Return what this release decodes telegrams by."""
    return (MBUS, *PROFILES)


def _said(reference: str, raw: bytes, *, is_order_known: bool) -> _Said:
    profile = PROFILES.get(reference)
    if profile is not None:
        return _cjt188(raw, profile, is_order_known=is_order_known)
    meaning = meaning_of(decode_readout(raw))
    return _Said(values=meaning.values, quality=meaning.quality, events=meaning.events)


def _cjt188(raw: bytes, profile: Cjt188Profile, *, is_order_known: bool) -> _Said:
    frame = parse_frame(raw)
    if frame.control != _DATA_ANSWER:
        message = f"control: is {frame.control:02X}, no answer with meter data"
        raise TelegramError(message)
    data = frame.data[_BEFORE_DATA:]
    reading = decode_meter_data(data, frame.meter_type, profile, is_order_known=is_order_known)
    return _Said(
        values=reading.values,
        quality=reading.quality,
        events=reading.events,
        is_order_shown=reading.is_order_shown,
    )
