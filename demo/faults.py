"""The truth about what is wrong, which only the meters of the town may know."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from demo.chance import FloatArray, IntArray
from demo.town_time import slot_after, slot_start_utc


class FaultKind(StrEnum):
    """What can go wrong in the town, in the order in which faults of one meter take effect."""

    LEAK = "leak"
    SLOW = "slow"
    STOPPED = "stopped"
    SILENT = "silent"
    WRONG_PROFILE = "wrong_profile"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault of one meter, from a moment on, until it was repaired.

    Attributes:
        fault_id: Its name; a later line of the truth file with the same name replaces it.
        meter_id: The metering point.
        kind: What is wrong.
        start_utc: From when; flow changes at the next quarter of an hour, silence at once.
        end_utc: Until when, or None while it lasts.
        flow_m3h: Of a leak: the constant extra flow (gas: at measuring conditions).
        share: Of a slow meter: the share of the true volume that it still counts.
        profile: Of a wrong profile: the register map that the device really has, while its
            gateway was told another (a swapped word order is such a case).
    """

    fault_id: str
    meter_id: str
    kind: FaultKind
    start_utc: datetime
    end_utc: datetime | None = None
    flow_m3h: float = 0.0
    share: float = 1.0
    profile: str = ""

    def flow_starts_utc(self) -> datetime:
        """Return from when the fault shows in the flow: the next quarter of an hour."""
        return slot_start_utc(slot_after(self.start_utc))


def active_slots(fault: Fault, slots: IntArray) -> FloatArray:
    """Return 1.0 for every slot in which the fault changes the flow, else 0.0."""
    is_active = slots >= slot_after(fault.start_utc)
    if fault.end_utc is not None:
        is_active &= slots < slot_after(fault.end_utc)
    return is_active.astype("float64")


def with_faults(healthy_m3: FloatArray, slots: IntArray, faults: Sequence[Fault]) -> FloatArray:
    """Return the volume per slot that the meter counts, given the healthy consumption in m3.

    A leak adds; a slow meter counts a share of everything; a stopped one counts nothing.
    """
    counted = healthy_m3
    for fault in sorted(faults, key=lambda one: _ORDER.index(one.kind)):
        active = active_slots(fault, slots)
        match fault.kind:
            case FaultKind.LEAK:
                counted = counted + active * (fault.flow_m3h / 4.0)
            case FaultKind.SLOW:
                counted = counted * (1.0 - active * (1.0 - fault.share))
            case FaultKind.STOPPED:
                counted = counted * (1.0 - active)
            case FaultKind.SILENT | FaultKind.WRONG_PROFILE:
                pass
    return counted


_ORDER = tuple(FaultKind)


def is_on(fault: Fault, now_utc: datetime) -> bool:
    """Return whether the fault holds at this moment."""
    return fault.start_utc <= now_utc and (fault.end_utc is None or now_utc < fault.end_utc)


def is_silent(faults: Sequence[Fault], now_utc: datetime) -> bool:
    """Return whether the meter answers nobody at this moment."""
    return any(fault.kind is FaultKind.SILENT and is_on(fault, now_utc) for fault in faults)


def true_profile(believed: str, faults: Sequence[Fault], now_utc: datetime) -> str:
    """Return the register map that the device really has at this moment."""
    wrong = [fault for fault in faults if fault.kind is FaultKind.WRONG_PROFILE]
    return next((fault.profile for fault in wrong if is_on(fault, now_utc)), believed)
