"""Owns everything that detection remembers of a fleet between two calls, as arrays by row."""

from dataclasses import dataclass

import numpy as np

from sync_server.detection.hourly import DetectorStates, empty_detectors
from sync_server.detection.hours.history import HistoryState, empty_history
from sync_server.detection.meters.columns import Floats
from sync_server.detection.meters.fleet import Fleet
from sync_server.detection.quality.registers import RegisterState, empty_registers
from sync_server.detection.quality.slots import SlotState, empty_slots
from sync_server.detection.quality.stamps import StampState, empty_stamps
from sync_server.detection.quality.telemetry import TelemetryState, empty_telemetry


@dataclass(slots=True, kw_only=True)
class FleetState:
    """By row; see the modules of the parts.

    Attributes:
        newest_s: True time of the newest settled reading; 0 before the first.
        gap_told_s: Arrival after which a silence was told; 0: none.
        stamps: Clocks and arrivals.
        volume: Volume register.
        energy: Energy register.
        telemetry: Instantaneous values.
        slots: Hours.
        history: The last days.
        detectors: What each detector remembers.
    """

    newest_s: Floats
    gap_told_s: Floats
    stamps: StampState
    volume: RegisterState
    energy: RegisterState
    telemetry: TelemetryState
    slots: SlotState
    history: HistoryState
    detectors: DetectorStates


def empty_state(fleet: Fleet) -> FleetState:
    """Return the state before the first reading."""
    count = len(fleet.specs)
    return FleetState(
        newest_s=np.zeros(count),
        gap_told_s=np.zeros(count),
        stamps=empty_stamps(count),
        volume=empty_registers(count),
        energy=empty_registers(count),
        telemetry=empty_telemetry(count),
        slots=empty_slots(count),
        history=empty_history(count),
        detectors=empty_detectors(count),
    )
