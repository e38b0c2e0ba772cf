"""Runs every detector over closed hours: one line per detector, quality first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sync_server.detection.detectors.balance import (
    Balanced,
    BalanceRule,
    BalanceState,
    detect_balance,
    empty_balance,
    observe_balance,
)
from sync_server.detection.detectors.burst import BurstRule, BurstState, detect_burst, empty_burst
from sync_server.detection.detectors.cooling import (
    CoolingRule,
    CoolingState,
    cooling_features,
    detect_cooling,
    empty_cooling,
    observe_cooling,
)
from sync_server.detection.detectors.district import (
    DistrictRule,
    DistrictState,
    detect_district,
    empty_district,
)
from sync_server.detection.detectors.draws import (
    DrawsRule,
    DrawsState,
    detect_draws,
    empty_draws,
)
from sync_server.detection.detectors.floor import FloorRule, FloorState, detect_floor, empty_floor
from sync_server.detection.detectors.pulses import (
    PulseRule,
    PulseState,
    detect_pulses,
    empty_pulses,
)
from sync_server.detection.detectors.rises import (
    RisesRule,
    RisesState,
    detect_rises,
    empty_rises,
)
from sync_server.detection.detectors.signature import (
    SignatureRule,
    SignatureState,
    detect_signature,
    empty_signature,
)
from sync_server.detection.detectors.standstill import (
    StandstillRule,
    StandstillState,
    detect_standstill,
    empty_standstill,
)
from sync_server.detection.detectors.steps import StepsRule, StepsState, detect_steps, empty_steps
from sync_server.detection.hours.history import HistoryState, mark_bad, open_block
from sync_server.detection.hours.outdoors import outdoor_temps
from sync_server.detection.meters.candidates import Candidate
from sync_server.detection.meters.columns import Floats
from sync_server.detection.meters.fleet import Fleet
from sync_server.detection.meters.intake import Surroundings
from sync_server.detection.quality.slots import HOUR_S


@dataclass(slots=True, kw_only=True)
class DetectorStates:
    """What each detector remembers, by row."""

    pulses: PulseState
    signature: SignatureState
    steps: StepsState
    rises: RisesState
    balance: BalanceState
    cooling: CoolingState
    floor: FloorState
    burst: BurstState
    standstill: StandstillState
    draws: DrawsState
    district: DistrictState


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Closed hours of one day or several, and what they say whatever was learned before.

    Attributes:
        sums: M x K x `Sum`.
        first: The first hour, in hours since 1970.
        temps: M x K outdoor temperature, mean of the last 24 hours, and as a building feels it.
        features: What `cooling` learns from, of heat meters.
        balanced: What values of heat meters say of each other.
    """

    sums: Floats
    first: int
    temps: tuple[Floats, Floats]
    features: Floats
    balanced: Balanced

    def during(self, start: int, stop: int) -> "Stretch":
        """Return the hours from `start` up to `stop`."""
        day, felt = self.temps
        return Stretch(
            sums=self.sums[:, start:stop],
            first=self.first + start,
            temps=(day[:, start:stop], felt[:, start:stop]),
            features=self.features[:, start:stop],
            balanced=self.balanced.during(start, stop),
        )


def empty_detectors(count: int) -> DetectorStates:
    """Return the state of `count` meters before the first hour."""
    return DetectorStates(
        pulses=empty_pulses(count),
        signature=empty_signature(count),
        steps=empty_steps(count),
        rises=empty_rises(count),
        balance=empty_balance(count),
        cooling=empty_cooling(count),
        floor=empty_floor(count),
        burst=empty_burst(count),
        standstill=empty_standstill(count),
        draws=empty_draws(count),
        district=empty_district(count),
    )


def observe_hours(
    fleet: Fleet, states: DetectorStates, closed: tuple[Floats, int], surroundings: Surroundings
) -> Stretch:
    """Return what closed hours (M x K x `Sum`, and the first of them) say by themselves."""
    sums, first = closed
    temps = outdoor_temps(fleet, surroundings.weather, first, sums.shape[1])
    return Stretch(
        sums=sums,
        first=first,
        temps=temps,
        features=cooling_features(fleet, sums, first, temps[1]),
        balanced=observe_balance(fleet, states.balance, sums, BalanceRule()),
    )


def judge_day(
    fleet: Fleet,
    history: HistoryState,
    states: DetectorStates,
    piece: Stretch,
    told: Sequence[Candidate],
) -> Iterator[Candidate]:
    """Yield what every detector says of hours of one day; the states are updated in place.

    `told` is what data quality said in these hours: it makes registers untrusted.
    """
    for each in told:
        mark_untrusted(history, each)
    block = open_block(fleet, history, piece.sums, piece.first, piece.temps)
    cooled = observe_cooling(fleet, states.cooling, block, piece.features)
    yield from detect_pulses(fleet, states.pulses, history, block, PulseRule())
    yield from detect_signature(fleet, states.signature, history, block, SignatureRule())
    yield from detect_steps(fleet, states.steps, history, block, StepsRule())
    yield from detect_rises(fleet, states.rises, history, block, RisesRule())
    yield from detect_cooling(fleet, states.cooling, history, (block, cooled), CoolingRule())
    balanced = (block, piece.balanced)
    yield from detect_balance(fleet, states.balance, history, balanced, BalanceRule())
    yield from detect_floor(fleet, states.floor, history, block, FloorRule())
    yield from detect_burst(fleet, states.burst, history, block, BurstRule())
    yield from detect_standstill(fleet, states.standstill, history, block, StandstillRule())
    yield from detect_draws(fleet, states.draws, history, block, DrawsRule())
    yield from detect_district(fleet, states.district, history, block, DistrictRule())


def mark_untrusted(history: HistoryState, told: Candidate) -> None:
    """Remember that a register was wrong: such hours teach nothing and balance nothing."""
    to_slot = told.at_s // HOUR_S
    mark_bad(history, told.row, told.start_s // HOUR_S, to_slot)
    history.untrusted_to[told.row] = max(history.untrusted_to[told.row], to_slot)
