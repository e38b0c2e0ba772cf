"""The file of what was learnt: what is written when, and what damage in it costs."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_gateway.links.learnt import (
    Cjt188Learnt,
    FoundOrder,
    Learnt,
    MbusLearnt,
    ModbusLearnt,
    Totals,
)
from edge_gateway.polling.kept_learnt import MeterKey, kept_json, kept_of, parse_kept
from edge_gateway.polling.learnt_store import LEARNT_FILE, MOST_METERS, TOTALS_EVERY_S, LearntStore
from firmware_profiles.byte_order import ByteOrder
from firmware_profiles.rates import Point, Rival, Trail
from tests.edge_gateway.learnt_over_restarts import KEY
from tests.edge_gateway.test_modbus_driver import Hands
from wire_contracts.fields import FieldReader, JsonObject
from wire_contracts.frames import utc_from_ms
from wire_contracts.payloads import dump_json, read_json
from wire_contracts.quantities import TOTALISERS, Quantity


def grown(volume_m3: float) -> dict[MeterKey, Learnt]:
    trail = Trail(Point(Hands().now_utc(), volume_m3))
    return {KEY: ModbusLearnt(totals=Totals(of="x@1", trails={Quantity.VOLUME_M3: trail}))}


def test_totals_that_only_grow_are_written_seldom_and_at_the_end(tmp_path: Path) -> None:
    now_s = [0.0]
    file = tmp_path / LEARNT_FILE
    store = LearntStore(file, lambda: now_s[0])
    store.take(grown(1.0))
    written = [LearntStore(file).of(KEY)]
    for now_s[0] in (60.0, TOTALS_EVERY_S - 1, TOTALS_EVERY_S, TOTALS_EVERY_S + 60):
        store.take(grown(now_s[0]))
        written.append(LearntStore(file).of(KEY))
    store.keep()
    written.append(LearntStore(file).of(KEY))

    values = [1.0, 1.0, 1.0, TOTALS_EVERY_S, TOTALS_EVERY_S, TOTALS_EVERY_S + 60]
    assert written == [grown(value)[KEY] for value in values]


def test_a_doubt_that_has_ended_is_written_at_once(tmp_path: Path) -> None:
    at_utc = Hands().now_utc()
    doubt = Rival(Point(at_utc, 2.0), polls=9, is_fall=True, held=timedelta(hours=1), is_kept=True)
    store = LearntStore(tmp_path / LEARNT_FILE, lambda: 0.0)
    written = []
    for trail in (
        Trail(Point(at_utc, 5000.0)),
        Trail(Point(at_utc, 5000.0), doubt, 4999.0),
        Trail(Point(at_utc, 3.0)),
    ):
        store.take({KEY: MbusLearnt(totals=Totals(of="x", trails={Quantity.VOLUME_M3: trail}))})
        kept = LearntStore(tmp_path / LEARNT_FILE).of(KEY)
        assert kept is not None
        written.append(kept.totals.trails[Quantity.VOLUME_M3].believed.value)

    assert written == [5000.0, 5000.0, 3.0]


@pytest.mark.parametrize("damage", [{"polls": 0}, {"held_ms": -1}, {"fell": 1}, {"at": "x"}])
def test_a_doubt_that_cannot_be_read_costs_its_own_meter_alone(
    tmp_path: Path, damage: JsonObject
) -> None:
    doubt: JsonObject = {"is": 2.0, "at": 0, "polls": 1, "held_ms": 0, "fell": True, "back": False}
    volume: JsonObject = {"is": 5.0, "at": 0, "rival": {**doubt, **damage}}
    totals: JsonObject = {"of": "x", "known": {"volume_m3": volume}}
    named: JsonObject = {"url": "tcp://a", "serial": "M-0", "address": "1", "kind": "mbus"}
    good = kept_json(KEY, Cjt188Learnt(is_swapped=True))
    file = tmp_path / LEARNT_FILE
    file.write_bytes(dump_json({"v": 1, "meters": [{**named, "totals": totals}, good]}))

    store = LearntStore(file)

    assert store.of(KEY) == Cjt188Learnt(is_swapped=True)
    assert store.of(MeterKey("tcp://a", "M-0", "1")) is None


def test_a_thousand_meters_wear_the_disk_as_little_as_the_manual_says(tmp_path: Path) -> None:
    learnt: dict[MeterKey, Learnt] = {}
    for number in range(MOST_METERS):
        key = MeterKey("rtu:///dev/ttyUSB0?baud=9600&parity=N", f"KAM:{number:08d}", "12")
        learnt[key] = ModbusLearnt(
            totals=Totals(of="twoflow_mag11@2", trails=dict.fromkeys(HEAT_TOTALS, TRAIL))
        )
    LearntStore(tmp_path / LEARNT_FILE).take(learnt)

    a_day = (tmp_path / LEARNT_FILE).stat().st_size * 86_400 / TOTALS_EVERY_S
    assert a_day <= 34e6


HEAT_TOTALS = (Quantity.VOLUME_M3, Quantity.ENERGY_KWH)


TRAIL = Trail(Point(Hands().now_utc(), 1234567.89))


def test_what_was_learnt_is_of_one_line_device_and_address_alone(tmp_path: Path) -> None:
    store = LearntStore(tmp_path / LEARNT_FILE)
    store.take({KEY: MbusLearnt(believed="00000001.LMP.01.07")})

    for other in (KEY._replace(url="mbus://plant:2"), KEY._replace(serial="M-2")):
        assert store.of(other) is None
    assert store.of(KEY._replace(device_address="6")) is None
    assert LearntStore(tmp_path / LEARNT_FILE).of(KEY) == store.of(KEY)


@pytest.mark.parametrize("content", [b"", b"{", b'{"v":1,"meters":[{"url":"x"}]}', b"\xff\xfe"])
def test_a_damaged_file_costs_what_was_learnt_and_nothing_else(
    tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / LEARNT_FILE
    file.write_bytes(content)

    store = LearntStore(file)
    store.take({KEY: Cjt188Learnt(is_swapped=True)})

    assert LearntStore(file).of(KEY) == Cjt188Learnt(is_swapped=True)


@pytest.mark.parametrize("shown", ["", "x" * 2000, 7])
def test_one_entry_that_cannot_be_read_costs_its_own_meter_alone(
    tmp_path: Path, shown: str | int
) -> None:
    bad: JsonObject = {"profile": "a@1", "is": "ABCD", "shown": {"serial": shown}}
    named = {"url": "tcp://a", "serial": "M-0", "address": "1"}
    good = kept_json(KEY, Cjt188Learnt(is_swapped=True))
    file = tmp_path / LEARNT_FILE
    file.write_bytes(dump_json({"v": 1, "meters": [{**named, "order": bad}, good]}))

    store = LearntStore(file)

    assert store.of(KEY) == Cjt188Learnt(is_swapped=True)
    assert store.of(MeterKey("tcp://a", "M-0", "1")) is None


def test_what_a_meter_said_in_too_many_words_or_none_is_left_out(tmp_path: Path) -> None:
    shown = {"serial": "4711", "model": "", "firmware": "x" * 2000}
    found = FoundOrder(profile="a@1", order=ByteOrder.ABCD, shown=shown)
    LearntStore(tmp_path / LEARNT_FILE).take({KEY: ModbusLearnt(found=found)})

    kept = replace(found, shown={"serial": "4711"})
    assert LearntStore(tmp_path / LEARNT_FILE).of(KEY) == ModbusLearnt(found=kept)


def test_a_file_of_another_version_is_set_aside_and_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / LEARNT_FILE
    content = b'{"v":7,"meters":[{"url":"x"}]}'
    file.write_bytes(content)

    store = LearntStore(file)
    store.take({KEY: Cjt188Learnt(is_swapped=True)})

    assert (tmp_path / f"{LEARNT_FILE}.unread").read_bytes() == content
    assert LearntStore(file).of(KEY) == Cjt188Learnt(is_swapped=True)


def test_what_cannot_be_written_at_all_costs_nothing_until_the_next_start(tmp_path: Path) -> None:
    store = LearntStore(tmp_path / LEARNT_FILE)
    store.take({KEY._replace(serial="\ud800"): Cjt188Learnt(is_swapped=True)})

    assert store.of(KEY._replace(serial="\ud800")) == Cjt188Learnt(is_swapped=True)


def test_a_disk_that_takes_nothing_costs_nothing_until_the_next_start(tmp_path: Path) -> None:
    (tmp_path / LEARNT_FILE).mkdir()
    store = LearntStore(tmp_path / LEARNT_FILE)

    store.take({KEY: Cjt188Learnt(is_swapped=True)})

    assert store.of(KEY) == Cjt188Learnt(is_swapped=True)


def test_what_is_remembered_is_bounded(tmp_path: Path) -> None:
    store = LearntStore(tmp_path / LEARNT_FILE)
    keys = [KEY._replace(serial=f"M-{number}") for number in range(MOST_METERS + 1)]
    store.take(dict.fromkeys(keys, Cjt188Learnt(is_swapped=True)))

    again = LearntStore(tmp_path / LEARNT_FILE)

    assert store.of(keys[0]) is again.of(keys[0]) is None
    assert again.of(keys[1]) == again.of(keys[-1]) == Cjt188Learnt(is_swapped=True)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


FINITE = st.floats(allow_nan=False, allow_infinity=False)


TOTALS = st.builds(
    Totals,
    of=TEXTS,
    trails=st.dictionaries(
        st.sampled_from(sorted(TOTALISERS)),
        st.builds(
            Trail,
            st.builds(
                Point,
                st.integers(0, 4_000_000_000_000).map(utc_from_ms),
                FINITE,
            ),
            st.none()
            | st.builds(
                Rival,
                st.builds(Point, st.integers(0, 4_000_000_000_000).map(utc_from_ms), FINITE),
                polls=st.integers(1, 10**9),
                is_fall=st.booleans(),
                is_back=st.booleans(),
                held=st.integers(0, 10**10).map(lambda ms: timedelta(milliseconds=ms)),
            ),
            st.none() | FINITE,
        ),
        min_size=1,
    ),
)


LEARNT = st.one_of(
    st.builds(
        Cjt188Learnt, is_swapped=st.booleans(), shown=st.one_of(st.just(""), TEXTS), totals=TOTALS
    ),
    st.builds(MbusLearnt, believed=st.one_of(st.just(""), TEXTS), totals=TOTALS),
    st.builds(ModbusLearnt, totals=TOTALS),
    st.builds(
        ModbusLearnt,
        found=st.builds(
            FoundOrder,
            profile=TEXTS,
            order=st.sampled_from(ByteOrder),
            shown=st.dictionaries(TEXTS, TEXTS, max_size=3),
        ),
    ),
)


@given(key=st.builds(MeterKey, TEXTS, TEXTS, TEXTS), learnt=LEARNT)
def test_what_is_kept_is_read_back(key: MeterKey, learnt: Learnt) -> None:
    kept = kept_of(learnt)
    read: FieldReader = read_json("test", dump_json(kept_json(key, kept or learnt)))

    assert parse_kept(read) == (key, kept or learnt)
