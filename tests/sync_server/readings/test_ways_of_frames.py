"""Frames that come as columns end where they end one by one, in whatever company they come."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, select

from sync_server.assets.asset_store import add_gateway, map_device
from sync_server.db.arrival_rows import unpack_rows
from sync_server.db.detection_tables import READING_ARRIVAL
from sync_server.db.engine_io import open_engine, reading
from sync_server.db.reading_tables import (
    FRAME_CLONE,
    FRAME_EPOCH,
    FRAME_GAP,
    FRAME_LEDGER,
    FRAME_RUN,
    QUALITY_EVENT,
    QUARANTINE,
    READING,
    READING_CONFLICT,
)
from sync_server.readings.frame_runs import LONGEST, entries_of
from sync_server.readings.fresh import AnyBatch
from sync_server.readings.inbox import read_message, read_split
from sync_server.readings.reading_store import ReadingStore, Stored
from tests.sync_server.real_parts import NOON
from tests.sync_server.town_parts import found_town, new_meter, snapshot
from wire_contracts.fields import JsonObject, JsonValue
from wire_contracts.frames import Batch, dump_batch, ms_from_utc
from wire_contracts.payloads import pack
from wire_contracts.quantities import Medium
from wire_contracts.topics import Channel, Topic

KNOWN, SECOND, STRANGER = "gw-01", "gw-02", "gw-99"
NOW_MS = ms_from_utc(NOON)
STEP_MS = 7 * 60_000

T = TypeVar("T")
Wire = tuple[str, bytes]
"""Topic and payload."""

_VALUES: Sequence[JsonValue] = (
    {"volume_m3": 10.5, "flow_m3h": 1.25},
    {"volume_m3": 11, "flow_m3h": 0},
    {"volume_m3": 1e300, "flow_m3h": -2e15},
    {"supply_temp_degc": 61.5},
    {"volume_base_m3": 5.5, "flow_actual_m3h": 0.5},
    {"volume_actual_m3": 7.25},
    {},
    {"flow_m3h": 2**60},
    {"volume_m3": None},
    {"colour": 1.0},
)
_ADDED: Sequence[dict[str, JsonValue]] = (
    {},
    {},
    {},
    {"raw": "AAECAw=="},
    {"raw": ""},
    {"raw": "nothing"},
    {"h": 1},
    {"h": True},
    {"q": {}, "e": []},
    {"q": {"energy_kwh": "bad_timeout"}},
    {"q": {"flow_m3h": "suspect_rate"}},
    {"e": ["alarm"]},
    {"tq": "repaired"},
    {"tq": "boot_relative"},
    {"d": ""},
    {"d": "D\0"},
    {"x": 1},
)
_DEVICES = ("D-1", "D-2", "D-3", "D-NEW", "D-UNKNOWN")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A frame of a message, by what matters of it."""

    step: int
    device: str
    values: JsonValue
    added: dict[str, JsonValue]


def _seldom(usual: T, others: Sequence[T], of: int) -> st.SearchStrategy[T]:
    """Draw what is usual but once of so many times."""
    return st.integers(0, of - 1).flatmap(
        lambda chance: st.just(usual) if chance else st.sampled_from(others)
    )


_DRAWN = st.builds(
    Drawn,
    step=_seldom(0, (-4, -3, -2, -1, 1), 4),
    device=_seldom("D-1", _DEVICES, 2),
    values=_seldom(_VALUES[0], _VALUES, 5),
    added=_seldom(_ADDED[0], _ADDED, 5),
)
_MESSAGE = st.tuples(
    st.sampled_from((KNOWN, KNOWN, KNOWN, SECOND, STRANGER)),
    _seldom(0, (-1, -2, 1), 3),
    st.lists(_DRAWN, min_size=1, max_size=6),
    st.sampled_from(("as it is", "as it is", "as it is", "again", "gap", "future")),
)


@st.composite
def _messages(draw: st.DrawFn) -> list[list[Wire]]:
    """Messages by transactions: mostly time and numbers run on, some go back or come again.

    Each gateway has instants of its own: which of two that say the same of one instant is said to
    have brought it depends on whether they come in one transaction.
    """
    seqs = dict.fromkeys((KNOWN, SECOND, STRANGER), 0)
    sent: list[Wire] = []
    at_ms = NOW_MS - 12 * 3_600_000
    for gateway_id, skipped, frames, kind in draw(st.lists(_MESSAGE, min_size=1, max_size=6)):
        seqs[gateway_id] = max(0, seqs[gateway_id] + skipped)
        bodies: list[JsonObject] = []
        for drawn in frames:
            seqs[gateway_id] += 1
            at_ms += STEP_MS
            ahead_ms = 24 * 3_600_000 if kind == "future" else 0
            shift_ms = (gateway_id == SECOND) + drawn.step * STEP_MS + ahead_ms
            bodies.append(_body(seqs[gateway_id], at_ms + shift_ms, drawn))
        if kind == "gap" and seqs[gateway_id] > 1:
            seqs[gateway_id] += 1
            gap: JsonObject = {"from": 1, "to": seqs[gateway_id] - 1, "n": 1, "why": "full"}
            bodies.append({"s": seqs[gateway_id], "gap": gap})
        topic = Topic(gateway_id=gateway_id, channel=Channel.UP).text()
        sent.append((topic, pack(dump_batch(gateway_id, 7, bodies))))
        if kind == "again":
            sent.append(draw(st.sampled_from(sent)))
    cuts = sorted(draw(st.sets(st.integers(1, len(sent)), max_size=3)) | {0, len(sent)})
    return [sent[low:high] for low, high in pairwise(cuts)]


def _body(seq: int, at_ms: int, drawn: Drawn) -> JsonObject:
    return {
        "s": seq,
        "d": drawn.device,
        "t": at_ms,
        "p": "p@2" if seq % 5 == 0 else "p@1",
        "g": "fast",
        "v": drawn.values,
        **drawn.added,
    }


@pytest.fixture(scope="session")
def new_town(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Engine]:
    folder = tmp_path_factory.mktemp("ways")
    template = folder / "town.sqlite3"
    template.write_bytes(sqlite_template.read_bytes())
    engine = open_engine(f"sqlite:///{template}")
    _found(engine)
    engine.dispose()
    paths = (folder / f"town{number}.sqlite3" for number in range(100_000))

    def make() -> Engine:
        path = next(paths)
        path.write_bytes(template.read_bytes())
        return open_engine(f"sqlite:///{path}")

    return make


def _found(engine: Engine) -> None:
    """Three meters; the device of the third is exchanged in the middle."""
    media = {"M-1": Medium.WATER, "M-2": Medium.GAS, "M-3": Medium.HEAT}
    with engine.begin() as connection:
        found_town(connection, [new_meter(name, medium) for name, medium in media.items()])
        add_gateway(connection, SECOND, "bridge", NOON)
        map_device(connection, "D-NEW", "M-3", NOON - timedelta(hours=11))


def _one_by_one(wire: Wire) -> AnyBatch:
    item = read_message(*wire)
    assert isinstance(item, Batch)
    return item


def _as_columns(wire: Wire) -> AnyBatch:
    return read_split(*wire) or _one_by_one(wire)


def _store(
    engine: Engine, transactions: Sequence[Sequence[Wire]], read: Callable[[Wire], AnyBatch]
) -> list[Stored]:
    store, stored = ReadingStore(is_shared=True), []
    for wires in transactions:
        with engine.begin() as connection:
            stored.append(store.store_batches(connection, [read(wire) for wire in wires], NOON))
    return stored


def _left(engine: Engine) -> dict[str, object]:
    """Return everything that frames leave behind but numbers that count them."""
    with reading(engine) as connection:
        left: dict[str, object] = dict(snapshot(connection))
        left["ledger"] = sorted(_ledger(connection))
        for table in (FRAME_EPOCH, FRAME_GAP, FRAME_CLONE, READING_CONFLICT):
            left[table.name] = sorted(map(tuple, connection.execute(select(table))))
        for table in (QUARANTINE, QUALITY_EVENT):
            rows = connection.execute(select(*list(table.columns)[1:]))
            left[table.name] = sorted(repr(tuple(row)) for row in rows)
        bodies = connection.execute(select(READING_ARRIVAL).order_by(READING_ARRIVAL.c.arrival_id))
        left["arrived"] = dict(_last_rows([(row.body, row.received_at_ms) for row in bodies]))
    return left


def _ledger(connection: Connection) -> Iterator[tuple[str, int, int, int, str]]:
    """Yield every entry: gateway, epoch, number, hash, why refused."""
    for row in connection.execute(select(FRAME_LEDGER)):
        yield row.gateway_id, row.epoch, row.seq, row.payload_hash, row.refused_code or ""
    for row in connection.execute(select(FRAME_RUN)):
        assert row.last_seq - row.first_seq < LONGEST
        for place, payload_hash in entries_of(tuple(row)):
            yield *place, payload_hash, ""


def _last_rows(bodies: Sequence[tuple[bytes, int]]) -> Iterator[tuple[tuple[str, int], object]]:
    """Yield what detection is told of each meter and instant at the last."""
    for body, received_at_ms in bodies:
        rows = unpack_rows(body, received_at_ms)
        places = zip(rows.meter_ids, rows.measured_at_ms.tolist(), strict=True)
        for at, place in enumerate(places):
            events = [event for placed_at, event in rows.events if placed_at == at]
            yield place, (json.dumps(rows.values[at].tolist()), events)


@settings(max_examples=40)
@given(transactions=_messages())
def test_frames_as_columns_leave_what_they_leave_one_by_one(
    new_town: Callable[[], Engine], transactions: list[list[Wire]]
) -> None:
    quick, slow = new_town(), new_town()

    as_columns = _store(quick, transactions, _as_columns)
    one_by_one = _store(slow, transactions, _one_by_one)

    assert as_columns == one_by_one
    assert _left(quick) == _left(slow)
    quick.dispose()
    slow.dispose()


def _message(first_seq: int, *bodies: JsonObject) -> Wire:
    numbered = [{"s": seq, **body} for seq, body in enumerate(bodies, start=first_seq)]
    topic = Topic(gateway_id=KNOWN, channel=Channel.UP).text()
    return topic, pack(dump_batch(KNOWN, 7, numbered))


def _said(minute: int, values: JsonObject, device: str = "D-1", **added: JsonValue) -> JsonObject:
    at_ms = NOW_MS - 6 * 3_600_000 + minute * 60_000
    return {"d": device, "t": at_ms, "p": "p@1", "g": "fast", "v": values, "raw": "AAE=", **added}


def test_a_morning_of_a_town_leaves_the_same_on_either_database(
    engine: Engine, new_town: Callable[[], Engine]
) -> None:
    _found(engine)
    told: Sequence[tuple[str, JsonObject]] = (
        ("D-1", {"volume_m3": 3.5, "flow_m3h": 1.0}),
        ("D-2", {"volume_base_m3": 5.0, "flow_base_m3h": 0.5, "volume_actual_m3": 1.0}),
        ("D-3", {"energy_kwh": 7.0}),
        ("D-1", {"flow_m3h": 2.0}),
    )
    messages = [
        _message(
            1 + 8 * hour,
            *(
                _said(60 * hour + 7 * at, values, device)
                for at, (device, values) in enumerate([*told, *told])
            ),
        )
        for hour in range(4)
    ]
    slow = new_town()

    stored = _store(engine, [messages[:3], messages[3:]], _as_columns)

    assert stored == _store(slow, [messages[:3], messages[3:]], _one_by_one)
    assert _left(engine) == _left(slow)
    slow.dispose()


def test_behind_a_frame_that_is_compared_the_meters_next_one_is_compared_too(
    new_town: Callable[[], Engine],
) -> None:
    doubted = _said(0, {"volume_m3": 3.5}, q={"volume_m3": "suspect_rate"})
    another = _said(0, {"volume_m3": 4.5})
    quick = new_town()

    (stored,) = _store(quick, [[_message(1, doubted, another)]], _as_columns)

    with reading(quick) as connection:
        kept = connection.execute(select(READING.c.volume_m3)).scalars().all()
        conflicts = connection.execute(select(READING_CONFLICT.c.seq)).scalars().all()
    assert (kept, conflicts, stored.conflict_count) == ([3.5], [2], 1)
    quick.dispose()


_BOTH: JsonObject = {"volume_m3": 3.5, "flow_m3h": 1.5}


@pytest.mark.parametrize(
    "second",
    [
        _said(7, _BOTH),
        _said(7, {"volume_m3": 9.5, "flow_m3h": 1.5}),
        _said(7, _BOTH, "D-UNKNOWN"),
        _said(7, {"volume_m3": "much"}),
        _said(9, _BOTH, "D-2"),
        {"gap": {"from": 1, "to": 1, "n": 1, "why": "full"}},
    ],
)
def test_what_comes_under_the_number_of_a_frame_in_a_run_is_judged_as_ever(
    new_town: Callable[[], Engine], second: JsonObject
) -> None:
    first = _message(1, *(_said(7 * at, _BOTH) for at in range(3)))
    other = _message(2, second)
    for transactions in ([[first], [other], [other]], [[first, other, other]]):
        quick, slow = new_town(), new_town()

        assert _store(quick, transactions, _as_columns) == _store(slow, transactions, _one_by_one)
        assert _left(quick) == _left(slow)
        with reading(quick) as connection:
            assert connection.execute(
                select(FRAME_RUN.c.first_seq, FRAME_RUN.c.last_seq)
            ).all() == [(1, 3)]
        quick.dispose()
        slow.dispose()


_GAS: JsonObject = {
    "volume_base_m3": 3.5,
    "flow_base_m3h": 1.5,
    "volume_actual_m3": 3.25,
    "flow_actual_m3h": 1.25,
}
_NO_BASE: JsonObject = {**_GAS, "volume_base_m3": 1e16, "flow_base_m3h": 1e16}


@pytest.mark.parametrize("is_at_once", [True, False])
@pytest.mark.parametrize("values", [{}, _BOTH])
def test_what_a_meter_says_of_itself_behind_its_values_is_told(
    new_town: Callable[[], Engine], values: JsonObject, *, is_at_once: bool
) -> None:
    said, behind = _said(7, _BOTH), _said(7, values, e=["leak_water"])
    messages = [_message(1, said), _message(2, {**behind, "raw": said["raw"]})]
    transactions = [messages] if is_at_once else [[each] for each in messages]
    quick, slow = new_town(), new_town()

    assert _store(quick, transactions, _as_columns) == _store(slow, transactions, _one_by_one)
    left = _left(quick)
    assert left == _left(slow)
    told = left["arrived"]
    assert isinstance(told, dict)
    assert [events for _, events in told.values()] == [["leak_water"]]
    quick.dispose()
    slow.dispose()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([_said(0, _BOTH)], [_said(5, {"volume_m3": 4, "flow_m3h": 9}), _said(9, _BOTH)]),
        ([_said(0, _BOTH)], [_said(5, _BOTH), _said(65, {"volume_m3": 8, "flow_m3h": -1})]),
        ([_said(0, _BOTH)], [_said(5, {"energy_kwh": 4.5, "power_kw": 0.5}), _said(9, _BOTH)]),
        ([_said(0, _BOTH)], [_said(5, {"volume_m3": 4.5}), _said(9, {**_BOTH, "power_kw": 1})]),
        ([_said(0, _BOTH)], [_said(5, {"volume_m3": 1e16, "flow_m3h": 2e16})]),
        ([_said(0, _BOTH), _said(5, {"power_kw": 1})], [_said(9, {**_BOTH, "power_kw": 2})]),
        ([_said(0, _BOTH, q={"flow_m3h": "suspect_rate"})], [_said(5, _BOTH), _said(65, _BOTH)]),
        ([_said(0, _BOTH, q={"volume_m3": "stale"}), _said(1, _BOTH)], [_said(5, _BOTH)]),
        ([_said(0, {"flow_m3h": 1.5}), _said(1, _BOTH)], [_said(5, _BOTH), _said(65, _BOTH)]),
        ([_said(0, {"flow_m3h": 1.5})], [_said(5, {"flow_m3h": 2.5}), _said(65, _BOTH)]),
        ([_said(0, {"energy_kwh": 1}), _said(5, _BOTH)], [_said(9, {**_BOTH, "energy_kwh": 2})]),
        ([_said(0, {"volume_m3": 1e16, "flow_m3h": 1.5})], [_said(5, _BOTH), _said(9, _BOTH)]),
        ([_said(0, _GAS, "D-2")], [_said(5, _GAS, "D-2"), _said(65, _GAS, "D-2")]),
        ([_said(0, _NO_BASE, "D-2")], [_said(5, _GAS, "D-2"), _said(65, _GAS, "D-2")]),
        ([_said(0, _BOTH, "D-2")], [_said(5, _BOTH, "D-2"), _said(65, _BOTH, "D-2")]),
    ],
)
def test_a_meter_that_was_steady_goes_on_as_if_each_frame_were_compared(
    new_town: Callable[[], Engine], before: list[JsonObject], after: list[JsonObject]
) -> None:
    transactions = [[_message(seq, each)] for seq, each in enumerate(before, start=1)]
    transactions.append([_message(1 + len(before), *after)])
    quick, slow = new_town(), new_town()

    assert _store(quick, transactions, _as_columns) == _store(slow, transactions, _one_by_one)
    assert _left(quick) == _left(slow)
    quick.dispose()
    slow.dispose()
