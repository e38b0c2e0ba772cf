"""What is newest of a meter is the same whether it was packed in between or not."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from sync_server.readings.latest import Latest, packed, see_row, state_text
from sync_server.readings.reading_rows import ReadingRow
from wire_contracts.frames import TimeQuality
from wire_contracts.quality import BAD_CRC, SUSPECT_RANGE, QualityCode
from wire_contracts.quantities import Quantity

NAMES = st.sampled_from((Quantity.VOLUME_M3, Quantity.FLOW_M3H, Quantity.ENERGY_KWH))


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


ROWS = st.builds(
    row,
    st.integers(min_value=1, max_value=6),
    st.dictionaries(NAMES, st.floats(allow_nan=False, allow_infinity=False)),
    st.dictionaries(NAMES, st.sampled_from((BAD_CRC, SUSPECT_RANGE))),
)


@given(st.lists(st.tuples(ROWS, st.booleans()), min_size=1, max_size=8))
def test_packing_in_between_changes_nothing(steps: list[tuple[ReadingRow, bool]]) -> None:
    plain: Latest | None = None
    remembered: Latest | None = None
    for each, is_packed in steps:
        plain = see_row(plain, each, "gw-1")
        remembered = see_row(remembered, each, "gw-1")
        remembered = packed(remembered) if is_packed else remembered

    assert plain is not None
    assert remembered == plain
    assert state_text(packed(plain).values) == state_text(plain.values)
    assert dict(packed(plain).values) == plain.values


def test_a_newer_row_with_all_quantities_needs_nothing_of_what_is_packed() -> None:
    first = see_row(None, row(1, {Quantity.VOLUME_M3: 1.0, Quantity.FLOW_M3H: 0.1}, {}), "gw-1")

    second = row(2, {Quantity.FLOW_M3H: 0.2, Quantity.VOLUME_M3: 2.0}, {})
    third = row(3, {Quantity.VOLUME_M3: 3.0}, {})
    newest = see_row(packed(see_row(packed(first), second, "gw-1")), third, "gw-1")

    assert newest.values == {
        Quantity.VOLUME_M3: (3.0, 3, None),
        Quantity.FLOW_M3H: (0.2, 2, None),
    }
