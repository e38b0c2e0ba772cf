"""Decides what of a zone's inflow its meters account for in a month, and what is not known.

A gap is no zero: a meter without a register at either bound counts nowhere, the loss is then only
known to be at most so much, and how many meters were counted stands beside every figure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from wire_contracts.quantities import Quantity


class Measure(StrEnum):
    """What a balance is drawn over; the value is its unit."""

    VOLUME_M3 = "m³"
    ENERGY_KWH = "kWh"


class ZoneKind(StrEnum):
    """DISTRICT: what flows in against its meters. FED: all of it is lost, as make-up water is."""

    DISTRICT = "district"
    FED = "fed"


class Standing(StrEnum):
    """How a meter counts; only READ and ESTIMATED enter the sum."""

    READ = "read"
    ESTIMATED = "estimated"
    NO_READING = "no_reading"
    EXCHANGED = "exchanged"
    WENT_BACK = "went_back"
    OTHER_QUANTITY = "other_quantity"


COUNTED = frozenset({Standing.READ, Standing.ESTIMATED})

LONGEST_STRETCH = timedelta(days=35)
"""Between two readings further apart no register is estimated: a month, and days of grace
(monthly walks of IC-card homes, RULINGS R27)."""

EXACT_WITHIN = timedelta(hours=25)
"""A register between two readings at most so far apart counts as read: one day's reading each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """What a meter showed at an instant, in the unit of its quantity (m³ or kWh)."""

    at_utc: datetime
    total: float
    quantity: Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """The newest register before a bound and the first one at or behind it, where there is one."""

    before: Register | None
    behind: Register | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundTotal:
    """The register at a bound, in the unit of its quantity.

    `is_estimated`: it lies between two readings further apart than `EXACT_WITHIN`.
    """

    total: float
    quantity: Quantity
    is_estimated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterUse:
    """What one meter counted between two bounds; `used` is None where that is not known."""

    meter_id: str
    is_inflow: bool
    begin: BoundTotal | None
    end: BoundTotal | None
    used: float | None
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """One zone in one month, in the unit of its measure.

    Attributes:
        inflow: What went in; None when an inflow meter is not known at both bounds.
        metered: Sum of the meters that are known; None when there is none.
        unaccounted: Inflow less metered; None without either.
        share: `unaccounted` as a part of the inflow; None without an inflow.
        counted: Meters behind the inflow that are in the sum; `estimated` of them between readings
            far apart.
        meters: Meters behind the inflow.
    """

    inflow: float | None
    metered: float | None
    unaccounted: float | None
    share: float | None
    counted: int
    estimated: int
    meters: int

    @property
    def is_whole(self) -> bool:
        """Whether every meter is in the sum; otherwise the loss is at most what stands there."""
        return self.counted == self.meters


def total_at(bound_utc: datetime, around: Around) -> BoundTotal | None:
    """Return the register at a bound: read there, or on the line between two readings.

    None when nothing was read on one side within reach, or the two are of different quantities.
    """
    before, behind = around.before, around.behind
    if behind is not None and behind.at_utc == bound_utc:
        return BoundTotal(total=behind.total, quantity=behind.quantity, is_estimated=False)
    if before is None:
        return None
    if behind is None:
        is_near = bound_utc - before.at_utc <= EXACT_WITHIN
        return (
            BoundTotal(total=before.total, quantity=before.quantity, is_estimated=False)
            if is_near
            else None
        )
    apart = behind.at_utc - before.at_utc
    if apart > LONGEST_STRETCH or before.quantity is not behind.quantity:
        return None
    share = (bound_utc - before.at_utc) / apart
    return BoundTotal(
        total=before.total + share * (behind.total - before.total),
        quantity=before.quantity,
        is_estimated=apart > EXACT_WITHIN,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A meter of a zone; `is_exchanged`: another device hangs there since between the bounds."""

    meter_id: str
    is_inflow: bool
    is_exchanged: bool = False


def use_of(
    member: Member, begin: BoundTotal | None, end: BoundTotal | None, quantity: Quantity | None
) -> MeterUse:
    """Return what a meter used between two bounds, in the unit of its quantity.

    Args:
        member: Which meter.
        begin: Its register at the first bound.
        end: Its register at the second bound.
        quantity: What the inflow counts; another one is never added to it (RULINGS R9). None: not
            known, nothing is compared.
    """
    standing, used = _judged(member, begin, end, quantity)
    return MeterUse(
        meter_id=member.meter_id,
        is_inflow=member.is_inflow,
        begin=begin,
        end=end,
        used=used,
        standing=standing,
    )


def _judged(
    member: Member, begin: BoundTotal | None, end: BoundTotal | None, quantity: Quantity | None
) -> tuple[Standing, float | None]:
    if begin is None or end is None:
        return Standing.NO_READING, None
    if member.is_exchanged:
        return Standing.EXCHANGED, None
    if begin.quantity is not end.quantity or quantity not in {None, end.quantity}:
        return Standing.OTHER_QUANTITY, None
    if end.total < begin.total:
        return Standing.WENT_BACK, None
    is_estimated = begin.is_estimated or end.is_estimated
    return (Standing.ESTIMATED if is_estimated else Standing.READ), end.total - begin.total


def balance_of(kind: ZoneKind, uses: Sequence[MeterUse]) -> Balance:
    """Return the balance of a zone from the use of its inflow and of the meters behind it."""
    inflow = _sum_if_all([each for each in uses if each.is_inflow])
    behind = [each for each in uses if not each.is_inflow]
    counted = [each for each in behind if each.standing in COUNTED]
    metered = sum(each.used or 0.0 for each in counted) if counted else None
    unaccounted: float | None = None
    if inflow is not None and kind is ZoneKind.FED:
        unaccounted = inflow
    elif inflow is not None and metered is not None:
        unaccounted = inflow - metered
    return Balance(
        inflow=inflow,
        metered=metered,
        unaccounted=unaccounted,
        share=unaccounted / inflow if unaccounted is not None and inflow else None,
        counted=len(counted),
        estimated=sum(each.standing is Standing.ESTIMATED for each in counted),
        meters=len(behind),
    )


def _sum_if_all(inflows: Sequence[MeterUse]) -> float | None:
    """Return the sum of the inflows; one that is not known makes the sum unknown."""
    if not inflows or any(each.used is None for each in inflows):
        return None
    return sum(each.used or 0.0 for each in inflows)
