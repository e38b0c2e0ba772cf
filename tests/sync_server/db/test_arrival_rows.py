"""What the ingest stores reaches detection unchanged, in any form a row may have."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from sync_server.db.arrival_rows import (
    CHANNELS,
    join_rows,
    no_rows,
    pack_rows,
    some_rows,
    unpack_rows,
)
from sync_server.db.detection_tables import READING_ARRIVAL
from sync_server.readings.reading_rows import row_of
from sync_server.readings.reading_store import ReadingStore
from sync_server.readings.row_store import reading_cells
from tests.sync_server.real_parts import NOON
from tests.sync_server.town_parts import batch, found_town, frame, new_meter
from wire_contracts.frames import ms_from_utc
from wire_contracts.quality import SUSPECT_RATE
from wire_contracts.quantities import Quantity

_VALUES = st.dictionaries(
    st.sampled_from(list(Quantity)), st.floats(-1e9, 1e9, allow_nan=False), max_size=8
)


@given(st.lists(_VALUES, max_size=5))
def test_rows_come_out_as_they_went_in(lots: list[dict[Quantity, float]]) -> None:
    rows = [row_of(f"M-{at}", at, frame(1, NOON, values)) for at, values in enumerate(lots)]

    found = unpack_rows(pack_rows([reading_cells(row) for row in rows]), 7)

    assert list(found.meter_ids) == [row.meter_id for row in rows]
    assert found.received_at_ms.tolist() == [7] * len(rows)
    for row, values in zip(rows, found.values, strict=True):
        for name, value in zip(CHANNELS, values, strict=True):
            assert row.values.get(name) == (None if math.isnan(value) else value)


def test_a_value_in_doubt_decides_nothing() -> None:
    row = row_of("M-1", 1, frame(1, NOON, {Quantity.VOLUME_M3: 5.0, Quantity.FLOW_M3H: 1.0}))
    cells = list(reading_cells(row))
    cells[2 + len(Quantity)] = '{"volume_m3":"' + SUSPECT_RATE + '"}'

    values = unpack_rows(pack_rows([cells]), 1).values[0]

    assert math.isnan(values[CHANNELS.index(Quantity.VOLUME_M3)])
    assert values[CHANNELS.index(Quantity.FLOW_M3H)] == 1.0


def test_lots_are_joined_in_their_order() -> None:
    lots = [
        unpack_rows(pack_rows([reading_cells(row_of(name, 1, frame(1, NOON, {})))]), at)
        for at, name in enumerate(["M-2", "M-1"])
    ]

    joined = join_rows(lots)

    assert (list(joined.meter_ids), joined.received_at_ms.tolist()) == (["M-2", "M-1"], [0, 1])
    assert join_rows([]).meter_ids == no_rows().meter_ids == []


def test_what_meters_say_of_themselves_stays_with_its_row() -> None:
    cells = [reading_cells(row_of("M-1", at, frame(1, NOON, {}))) for at in range(3)]
    lots = [
        unpack_rows(pack_rows(cells, None, [(2, "leak_water"), (0, "tamper")]), 1),
        unpack_rows(pack_rows(cells, None, [(1, "battery_low")]), 2),
    ]

    joined = join_rows(lots)

    assert list(joined.events) == [(2, "leak_water"), (0, "tamper"), (4, "battery_low")]
    assert list(some_rows(joined, np.array([2, 4, 5])).events) == [
        (0, "leak_water"),
        (1, "battery_low"),
    ]


def test_another_version_of_the_packing_is_refused() -> None:
    with pytest.raises(ValueError, match="version 2 is not known"):
        unpack_rows(b'{"v":2}', 0)


def test_every_stored_row_is_noted_once_and_a_duplicate_never(engine: Engine) -> None:
    store = ReadingStore()
    frames = [frame(at, NOON, {Quantity.VOLUME_M3: 1.0}, device=f"D-{at}") for at in (1, 2)]
    with engine.begin() as connection:
        found_town(connection, [new_meter("M-1"), new_meter("M-2")])
    for _ in range(2):
        with engine.begin() as connection:
            store.store_batches(connection, [batch(*frames)], NOON)

    with engine.connect() as connection:
        noted = connection.execute(select(READING_ARRIVAL)).all()

    assert [row.row_count for row in noted] == [2]
    found = unpack_rows(noted[0].body, noted[0].received_at_ms)
    assert list(found.meter_ids) == ["M-1", "M-2"]
    assert np.unique(found.received_at_ms).tolist() == [ms_from_utc(NOON)]
