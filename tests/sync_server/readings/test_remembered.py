"""What is remembered of a meter is what is known of it; a million of them fit a process."""

import tracemalloc
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from sync_server.readings.hourly import Hour, add_row, hour_of
from sync_server.readings.latest import see_row, state_text
from sync_server.readings.reading_rows import ReadingRow
from sync_server.readings.remembered import MeterMemory, PackedMeter, pack_meter, unpack_meter
from wire_contracts.frames import TimeQuality
from wire_contracts.quality import BAD_CRC, SUSPECT_RANGE, QualityCode
from wire_contracts.quantities import Medium, Quantity

NAMES = st.sampled_from((Quantity.VOLUME_M3, Quantity.FLOW_M3H, Quantity.ENERGY_KWH))
MOST_BYTES = 400
"""For a meter with six quantities beside its name and its place in the map, which take some 150."""


def row(
    at_ms: int, values: Mapping[Quantity, float], quality: Mapping[Quantity, QualityCode]
) -> ReadingRow:
    return ReadingRow(
        meter_id="M-1",
        measured_at_ms=at_ms,
        values={name: value for name, value in values.items() if quality.get(name) != BAD_CRC},
        quality=quality,
        profile="p@1",
        revision=1,
        older_revisions={},
        time_quality=TimeQuality.SANE,
        raw={},
    )


def seen(meter: MeterMemory | None, each: ReadingRow) -> MeterMemory:
    """Return a meter after one more row, as the store goes on."""
    latest = see_row(meter.latest if meter else None, each, "gw-1")
    hour_at_ms = hour_of(each.measured_at_ms)
    is_same = meter is not None and meter.hour.hour_at_ms == hour_at_ms
    hour = meter.hour if meter is not None and is_same else Hour(hour_at_ms=hour_at_ms)
    return MeterMemory(latest=latest, hour=add_row(hour, each, Medium.HEAT))


ROWS = st.builds(
    row,
    st.integers(min_value=1, max_value=6) | st.integers(min_value=0, max_value=2**42),
    st.dictionaries(NAMES, st.floats(allow_nan=False, allow_infinity=False)),
    st.dictionaries(NAMES, st.sampled_from((BAD_CRC, SUSPECT_RANGE))),
)


@given(st.lists(st.tuples(ROWS, st.booleans()), min_size=1, max_size=8))
def test_packing_in_between_changes_nothing(steps: list[tuple[ReadingRow, bool]]) -> None:
    plain: MeterMemory | None = None
    remembered: MeterMemory | None = None
    for each, is_packed in steps:
        plain, remembered = seen(plain, each), seen(remembered, each)
        remembered = unpack_meter(pack_meter(remembered)) if is_packed else remembered

    assert plain is not None
    assert remembered is not None
    assert unpack_meter(pack_meter(remembered)) == plain
    assert state_text(unpack_meter(pack_meter(plain)).latest.values) == state_text(
        plain.latest.values
    )


def test_a_meter_without_any_value_is_remembered_as_such() -> None:
    silent = MeterMemory(latest=see_row(None, row(5, {}, {}), "gw-1"), hour=Hour(hour_at_ms=0))

    assert unpack_meter(pack_meter(silent)) == silent


def test_what_meters_alike_have_in_common_is_kept_once() -> None:
    names = tuple(Quantity)[:6]
    tracemalloc.start()
    try:
        kept: list[PackedMeter] = []
        before = tracemalloc.get_traced_memory()[0]
        for number in range(1000):
            values = {name: number + place / 7 for place, name in enumerate(names)}
            kept.append(pack_meter(seen(None, row(number, values, {}))))
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()

    assert grown / 1000 < MOST_BYTES
    assert len({id(each.shape) for each in kept}) == 1
