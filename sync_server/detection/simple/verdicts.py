"""What a detector says of each meter."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from sync_server.detection.meters.columns import Floats, Ints

States = NDArray[np.int8]


class State(IntEnum):
    """UNKNOWN: too little to judge. HELD: below the threshold, not far enough to be over."""

    UNKNOWN = 0
    CLEAR = 1
    HELD = 2
    RAISED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """One detector's word on M meters.

    Attributes:
        state: M states.
        statistic: M values that were judged; NaN where unknown.
        threshold: M limits they were held against; NaN where the rule does not apply.
        usual: M usual values of the statistic; NaN where there is no history.
        history_count: M numbers of nights behind `usual`.
        is_burst: M flags: far above everything usual.
        started_at_ms: M instants when it is believed to have begun; 0 where not raised.
        rule_from_ms: M starts of the stretch that was judged.
        rule_to_ms: M ends of it.
    """

    state: States
    statistic: Floats
    threshold: Floats
    usual: Floats
    history_count: Ints
    is_burst: NDArray[np.bool_]
    started_at_ms: Ints
    rule_from_ms: Ints
    rule_to_ms: Ints
