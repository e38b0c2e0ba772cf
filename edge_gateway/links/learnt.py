"""What a driver has learnt of a meter, so that the driver in its place need not learn it again.

A driver is made anew with every exchange of the settings. `learnt` of a driver gives what it knows,
the next one is made with it. Over a restart of the gateway only what costs values to learn is kept:
the totals that were believed with what speaks against them, the byte order that was found, who was
believed without a selection, which way an address is sent. That is held against the meter's first
answers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from edge_gateway.links.group_plan import GroupPlan
from edge_gateway.links.mbus_standing import Standing
from edge_gateway.links.patience import UnitPace
from firmware_profiles.byte_order import ByteOrder
from firmware_profiles.profile import Profile
from firmware_profiles.rates import Trail
from firmware_profiles.words import WordAddress
from wire_contracts.quantities import Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundOrder:
    """The byte order that a Modbus meter was found to have.

    Attributes:
        profile: The profile it was found with, as the settings name it.
        order: The order.
        shown: What the meter said of itself then, by the names of the profile's rows: its number,
            its model.
    """

    profile: str
    order: ByteOrder
    shown: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The values of a meter that the next ones must follow from.

    Attributes:
        of: What they were read by: the profile as the settings name it, or the name that the
            device itself shows. Under another they say nothing.
        trails: The last values that were believed.
    """

    of: str = ""
    trails: Mapping[Quantity, Trail] = field(default_factory=dict)


NO_TOTALS = Totals()
"""Of a meter that has shown none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How a Modbus meter answers to the requests of one profile.

    Attributes:
        profile: That profile, as the settings name it.
        plans: Register group to what its next job asks: without what was refused.
        pace: How long it takes to answer.
        planned_s: Turnaround that the plans were made with, wall seconds.
        counts: Register that counts to its number at the last poll.
        trails: The last values that were believed.
        settings: Register group to the words of the meter's settings at the last poll.
    """

    profile: Profile
    plans: Mapping[str, GroupPlan]
    pace: UnitPace
    planned_s: float
    counts: Mapping[str, int]
    trails: Mapping[Quantity, Trail]
    settings: Mapping[str, Mapping[WordAddress, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModbusLearnt:
    """What is known of a Modbus meter.

    Attributes:
        found: Its byte order, where its profile does not say; None: it was not found.
        totals: The totals that were believed.
        habits: How it answers; None: it was not asked in this run of the gateway.
    """

    found: FoundOrder | None = None
    totals: Totals = NO_TOTALS
    habits: Habits | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MbusLearnt:
    """What is known of an M-Bus meter.

    Attributes:
        believed: The identification that was believed without a selection, as settings write it;
            empty: none was.
        standing: Whom its address stands for; None: it was not asked in this run of the gateway.
        is_mute: Whether it acknowledges no SND_NKE.
        seen: What it has sent.
        totals: The totals that were believed.
    """

    believed: str = ""
    standing: Standing | None = None
    is_mute: bool = False
    seen: Sequence[Quantity] = ()
    totals: Totals = NO_TOTALS


@dataclass(frozen=True, slots=True, kw_only=True)
class Cjt188Learnt:
    """What is known of a CJ/T 188 meter.

    Attributes:
        is_swapped: Whether its identifier goes low byte first.
        shown: The profile whose byte order its clock or its settled value has shown; empty: none.
        totals: The totals that were believed.
    """

    is_swapped: bool
    shown: str = ""
    totals: Totals = NO_TOTALS


Learnt = ModbusLearnt | MbusLearnt | Cjt188Learnt

NOTHING_LEARNT: Mapping[str, Learnt] = {}
"""Of no meter."""
