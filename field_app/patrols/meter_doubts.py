"""Decides whether a reading by eye is believable against what the register showed before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from statistics import median

from wire_contracts.frames import ms_from_utc
from wire_contracts.meter_rounds import PastReading, RoundMeter
from wire_contracts.order_site import Count

MUCH = 3.0
"""More than three times the usual use per day, or less than a third of it, is asked about once."""

LEAST_PER_DAY = 0.05
"""Of any unit: below it a household is empty, and three times nothing says nothing."""

MUCH_PER_DAY: Mapping[str, float] = {"m³": 10.0, "kWh": 100.0, "MWh": 0.1, "GJ": 0.36}
"""What a home hardly uses in a day: 10 m³ of gas heat it in winter, which is 100 kWh (judgement);
asked about where nobody knows what is usual, nor how large the meter is."""

FULL_FLOW_HOURS = 4.0
"""Hours a day at its permanent flow that a meter is hardly used for: 10 m³ of a G2.5 or a Q3 of 2.5
in a home, 400 m³ of a G100 (judgement)."""

_MUCH_OF_ANY_UNIT = 10.0
_EMPTY_SHARE = 0.1
"""An empty home is asked about from a tenth of it on."""

_LATE_SHARE = 0.8
_EARLY_SHARE = 0.2


class Doubt(StrEnum):
    """Why a reading is questioned; NONE: it is believable."""

    NONE = ""
    TOO_MANY_DIGITS = "too_many_digits"
    BACKWARDS = "backwards"
    ROLLED_OVER = "rolled_over"
    EXCHANGED = "exchanged"
    MUCH_MORE = "much_more"
    MUCH_LESS = "much_less"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What is to be asked, and what the reading means.

    Attributes:
        used: What went through since the last reading, None when nobody can say.
        usual_per_day: The usual use, None without enough history.
    """

    doubt: Doubt
    used: float | None = None
    usual_per_day: float | None = None

    @property
    def is_impossible(self) -> bool:
        """Return whether no reason can make it right: it was typed wrongly."""
        return self.doubt is Doubt.TOO_MANY_DIGITS


def judge(meter: RoundMeter, value: float, at_utc: datetime) -> Judgement:
    """Return what to think of a value read at a moment.

    An exchange since the last reading is known: then the old device's end and the new one's
    beginning count. A register that starts again at zero is told from one that runs backwards by
    how near both ends it is. A reading of the future is the last one all the same: the clock of a
    tablet may have fallen back.
    """
    top = 10.0**meter.digits
    if value >= top:
        return Judgement(doubt=Doubt.TOO_MANY_DIGITS)
    if not meter.readings:
        return Judgement(doubt=Doubt.NONE)
    last = meter.readings[-1]
    used, doubt = _used(meter, last, value, top)
    usual = usual_per_day(meter)
    if doubt is not Doubt.NONE or used is None:
        return Judgement(doubt=doubt, used=used, usual_per_day=usual)
    days = max((at_utc - last.at_utc) / timedelta(days=1), 1 / 24)
    doubt = _amount(used, days, usual, much_per_day(meter))
    return Judgement(doubt=doubt, used=used, usual_per_day=usual)


def _used(
    meter: RoundMeter, last: PastReading, value: float, top: float
) -> tuple[float | None, Doubt]:
    exchange = meter.exchange
    if exchange is not None and exchange.at_utc >= last.at_utc:
        used = (exchange.final - last.value) + (value - exchange.initial)
        return (used, Doubt.NONE) if used >= 0 else (None, Doubt.EXCHANGED)
    if value >= last.value:
        return value - last.value, Doubt.NONE
    if last.value > _LATE_SHARE * top and value < _EARLY_SHARE * top:
        return top - last.value + value, Doubt.ROLLED_OVER
    return None, Doubt.BACKWARDS


def _amount(used: float, days: float, usual: float | None, much: float) -> Doubt:
    if usual is None or usual < LEAST_PER_DAY:
        most = much if usual is None else much * _EMPTY_SHARE
        return Doubt.MUCH_MORE if used / max(days, 1.0) > most else Doubt.NONE
    if used == 0:
        return Doubt.UNCHANGED
    if used / days > MUCH * usual:
        return Doubt.MUCH_MORE
    return Doubt.MUCH_LESS if used / days < usual / MUCH else Doubt.NONE


def much_per_day(meter: RoundMeter) -> float:
    """Return from which use per day a meter without a history is asked about, in its unit."""
    if meter.unit == "m³" and meter.permanent_flow_m3h:
        return FULL_FLOW_HOURS * meter.permanent_flow_m3h
    return MUCH_PER_DAY.get(meter.unit, _MUCH_OF_ANY_UNIT)


def usual_per_day(meter: RoundMeter) -> float | None:
    """Return the median use per day between earlier readings; None with fewer than two of them."""
    rates = [
        (after.value - before.value) / ((after.at_utc - before.at_utc) / timedelta(days=1))
        for before, after in pairwise(meter.readings)
        if after.value >= before.value and after.at_utc > before.at_utc
    ]
    return median(rates) if rates else None


def with_round(counts: Sequence[Count], meter: RoundMeter) -> tuple[Count, ...]:
    """Return the counts of an order with the readings of the round, of the device that hangs there.

    The oldest first; what both know stands once.
    """
    exchange = meter.exchange
    begins_ms = 0 if exchange is None else ms_from_utc(exchange.at_utc)
    read = [Count(at_ms=ms_from_utc(each.at_utc), value=each.value) for each in meter.readings]
    if exchange is not None:
        read.append(Count(at_ms=begins_ms, value=exchange.initial))
    known = {each.at_ms: each for each in (*read, *counts) if each.at_ms >= begins_ms}
    return tuple(known[at_ms] for at_ms in sorted(known))
