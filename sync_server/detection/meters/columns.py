"""Many meters as arrays: everything that a detector may look at, and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sync_server.assets.assets import MeterClass
from wire_contracts.quantities import Medium

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """M meters over H consecutive hours and N earlier nights.

    Attributes:
        now_ms: The present, milliseconds since 1970.
        meter_ids: M ids.
        media: M media.
        classes: M meter classes.
        interval_s: M expected reading intervals.
        is_mains_powered: M flags.
        valued_at_ms: M newest instants with a value; 0: none yet.
        judged_from_ms: M instants; evidence before them was settled by a crew's finding.
        abnormal_from_ms: M instants from which an open alert of excess flow says the meter is not
            itself; such nights are no baseline. A far future where there is none.
        multipliers: M factors on thresholds from feedback (RULINGS R6).
        hours_ms: H starts of hours, ascending, 3,600,000 apart.
        local_hours: H hours of day, 0..23, in the site's zone.
        local_days: H running numbers of the local day.
        flow_m3h: M x H mean flows from the totaliser; NaN where not known.
        night_days: N running numbers of local days before the oldest of `local_days`' nights.
        night_min_m3h: M x N lowest hourly flow between 02:00 and 05:00; NaN where not known.
        peak_m3h: M highest flows of an hour in the weeks before the grid; NaN where not known.
    """

    now_ms: int
    meter_ids: Sequence[str]
    media: Sequence[Medium]
    classes: Sequence[MeterClass]
    interval_s: Floats
    is_mains_powered: Flags
    valued_at_ms: Ints
    judged_from_ms: Ints
    abnormal_from_ms: Ints
    multipliers: Floats
    hours_ms: Ints
    local_hours: Ints
    local_days: Ints
    flow_m3h: Floats
    night_days: Ints
    night_min_m3h: Floats
    peak_m3h: Floats


FAR_FUTURE_MS = 2**62


def per_class(columns: Columns, table: dict[tuple[Medium, MeterClass], float]) -> Floats:
    """Return M values of a table by medium and class; NaN where the table has none."""
    return np.array(
        [
            table.get((medium, meter_class), np.nan)
            for medium, meter_class in zip(columns.media, columns.classes, strict=True)
        ],
        dtype=np.float64,
    )
