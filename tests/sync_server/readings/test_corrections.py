"""A wrong profile is corrected afterwards: rows, what they replaced, hours, latest, audit."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, select

from sync_server.__main__ import main
from sync_server.access.audit_store import verify_audit
from sync_server.assets.asset_store import map_device
from sync_server.db.access_tables import AUDIT_EVENT
from sync_server.db.asset_tables import DEVICE_METER, METER
from sync_server.db.engine_io import reading
from sync_server.db.reading_tables import (
    METER_EVENT,
    READING,
    READING_CORRECTION,
    READING_HOURLY,
    READING_LATEST,
)
from sync_server.readings.corrections import CorrectionRule, Tally, Verdict, correct_row, describe
from sync_server.readings.corrections_io import ApplyOrder, Listener, apply_corrections, export_raw
from sync_server.readings.raw_export_store import Wanted, raw_frames
from sync_server.readings.reading_rows import ReadingRow, row_of
from sync_server.readings.reading_store import ReadingStore
from sync_server.readings.row_store import reading_row
from tests.sync_server.real_parts import NOON, HandClock
from tests.sync_server.town_parts import batch, found_town, frame, new_meter, snapshot
from wire_contracts.frames import Frame, ms_from_utc
from wire_contracts.meter_frames import (
    UNKNOWN_DEVICE,
    MeterFrame,
    dump_meter_frame,
    parse_meter_frame,
)
from wire_contracts.quality import BAD_PROFILE, BAD_TIMEOUT, SUSPECT_STATUS
from wire_contracts.quantities import Medium, Quantity

VOLUME, FLOW, ENERGY = Quantity.VOLUME_M3, Quantity.FLOW_M3H, Quantity.ENERGY_KWH
HOUR = NOON.replace(minute=0) - timedelta(hours=5)
CLOCK = HandClock(NOON)
PLAIN = CorrectionRule()
QUIET = Listener(complain=lambda _: None, progress=lambda _: None)


@pytest.fixture
def town(engine: Engine) -> Engine:
    with engine.begin() as connection:
        found_town(connection, [new_meter("M-1"), new_meter("M-2", Medium.GAS)])
    return engine


def store(engine: Engine, *frames: Frame) -> None:
    with engine.begin() as connection:
        ReadingStore().store_batches(connection, [batch(*frames)], NOON)


def corrected(seq_frame: Frame, values: dict[Quantity, float], revision: int = 2) -> MeterFrame:
    profile = f"tuf_2000m@{revision}"
    return MeterFrame(
        meter_id="M-1", frame=replace(seq_frame, values=values, profile=profile, raw=None)
    )


def write_lines(path: Path, lines: Sequence[MeterFrame]) -> Path:
    path.write_bytes(b"".join(dump_meter_frame(line) + b"\n" for line in lines))
    return path


def apply(
    engine: Engine, path: Path, *, is_dry_run: bool = False, rule: CorrectionRule = PLAIN
) -> tuple[Tally, list[str]]:
    complaints: list[str] = []
    steps: list[int] = []
    listener = Listener(complain=complaints.append, progress=steps.append)
    order = ApplyOrder(is_dry_run=is_dry_run, rule=rule)
    applied = apply_corrections(engine, path, CLOCK, listener, order=order)
    assert steps[-1:] == [applied.tally.count(*Verdict)]
    return applied.tally, complaints


def exported(engine: Engine, wanted: Wanted) -> list[MeterFrame]:
    with reading(engine) as connection:
        return list(raw_frames(connection, wanted))


FRAMES = [
    frame(1, HOUR, {VOLUME: 100.0, FLOW: 10.0}),
    frame(2, HOUR + timedelta(minutes=15), {VOLUME: 110.0, FLOW: 20.0}),
    frame(3, HOUR + timedelta(minutes=30), {VOLUME: 120.0, FLOW: 30.0}),
]
CORRECTED = [
    corrected(each, {name: value / 10 for name, value in each.values.items()}) for each in FRAMES
]


def test_a_corrected_file_ends_where_the_right_profile_would_have(
    town: Engine, tmp_path: Path
) -> None:
    store(town, *FRAMES)
    path = write_lines(tmp_path / "c.jsonl", CORRECTED)

    tally, complaints = apply(town, path)

    with reading(town) as connection:
        rows = [reading_row(row) for row in connection.execute(select(READING))]
        hour = connection.execute(select(READING_HOURLY)).one()
        old = connection.execute(select(READING_CORRECTION)).all()
    assert complaints == []
    assert (tally.count(Verdict.CHANGES), tally.meter_ids) == (3, {"M-1"})
    assert [row.values for row in rows] == [
        {VOLUME: 10.0, FLOW: 1.0},
        {VOLUME: 11.0, FLOW: 2.0},
        {VOLUME: 12.0, FLOW: 3.0},
    ]
    assert {(row.profile, row.revision) for row in rows} == {("tuf_2000m@2", 2)}
    assert rows[0].raw == {"fast": b"fast:tuf_2000m@1"}
    assert (hour.first_m3, hour.last_m3, hour.flow_min_m3h, hour.flow_max_m3h) == (10, 12, 1, 3)
    assert sorted((row.quantity, row.value) for row in old) == [
        ("flow_m3h", 10.0),
        ("flow_m3h", 20.0),
        ("flow_m3h", 30.0),
        ("volume_m3", 100.0),
        ("volume_m3", 110.0),
        ("volume_m3", 120.0),
    ]


def test_applying_again_changes_nothing_and_leaves_no_second_audit_event(
    town: Engine, tmp_path: Path
) -> None:
    store(town, *FRAMES)
    path = write_lines(tmp_path / "c.jsonl", CORRECTED)
    apply(town, path)
    with reading(town) as connection:
        before = snapshot(connection)

    tally, complaints = apply(town, path)

    with reading(town) as connection:
        assert snapshot(connection) == before
        events = connection.execute(select(AUDIT_EVENT)).all()
        assert verify_audit(connection).is_whole
    assert (tally.count(Verdict.UNCHANGED), tally.quantities, complaints) == (3, {}, [])
    assert [(event.action, event.subject) for event in events] == [
        ("readings.correct", "tuf_2000m@2")
    ]


def test_a_dry_run_prints_the_difference_and_changes_nothing(town: Engine, tmp_path: Path) -> None:
    store(town, *FRAMES)
    path = write_lines(tmp_path / "c.jsonl", CORRECTED)
    with reading(town) as connection:
        before = snapshot(connection)

    dry, _ = apply(town, path, is_dry_run=True)

    with reading(town) as connection:
        assert snapshot(connection) == before
    told = describe(dry, is_dry_run=True)
    assert told[0] == "3 lines: 3 would change, 0 say what is stored, 0 not used; 1 meters"
    assert told[2] == (
        "  volume_m3: 3 replaced, 0 gained, 0 withdrawn, 0 of another quality; "
        f"mean 110 -> 11; widest 120 -> 12 (M-1, {FRAMES[2].measured_at_utc:%Y-%m-%d %H:%M} UTC)"
    )


def test_a_lower_or_equal_revision_and_an_unknown_instant_are_named_and_left_out(
    town: Engine, tmp_path: Path
) -> None:
    store(town, frame(1, HOUR, {VOLUME: 1.0}, profile="tuf_2000m@3"))
    at_other = replace(FRAMES[0], measured_at_utc=HOUR + timedelta(seconds=1))
    lines = [
        corrected(FRAMES[0], {VOLUME: 2.0}, revision=2),
        corrected(FRAMES[0], {VOLUME: 2.0}, revision=3),
        corrected(at_other, {VOLUME: 2.0}, revision=4),
    ]
    path = write_lines(tmp_path / "c.jsonl", lines)
    path.write_bytes(path.read_bytes() + b"nonsense\n\n")

    tally, complaints = apply(town, path)

    assert tally.verdicts == {Verdict.OLDER: 1, Verdict.DIFFERS: 1, Verdict.NO_READING: 1}
    assert "\n".join(text.removeprefix(f"{path}: ") for text in complaints) == (
        "line 4: line: is no JSON; write one JSON object of at most 65536 bytes per line\n"
        "line 1: p: every value there is of this or a higher revision; "
        "decode with a higher revision\n"
        "line 2: p: the stored values of this revision are other ones; "
        "give the corrected profile a higher revision\n"
        "line 3: t: the meter has no reading at this instant; "
        "only what was measured can be corrected"
    )


def test_a_revision_of_another_profile_corrects_nothing_unless_a_person_says_so(
    town: Engine, tmp_path: Path
) -> None:
    store(town, *FRAMES)
    with reading(town) as connection:
        before = snapshot(connection)
    line = corrected(FRAMES[0], {VOLUME: 1.0}, revision=9)
    other = replace(line, frame=replace(line.frame, profile="another@9"))
    path = write_lines(tmp_path / "other", [other])
    tally, complaints = apply(town, path)
    with reading(town) as connection:
        after = snapshot(connection)

    assert tally.count(Verdict.OTHER_PROFILE) == 1
    assert "--other-profile" in complaints[0]
    assert after == before

    allowed, _ = apply(town, path, rule=CorrectionRule(is_other_profile=True))

    assert allowed.count(Verdict.CHANGES) == 1


def test_a_mistyped_revision_is_refused_and_an_old_one_is_replaced_by_name(
    town: Engine, tmp_path: Path
) -> None:
    mistyped = replace(FRAMES[0], profile="tuf_2000m@9999")
    store(town, mistyped)
    right = write_lines(tmp_path / "right", [corrected(FRAMES[0], {VOLUME: 2.0}, revision=2)])
    slip = write_lines(tmp_path / "slip", [corrected(FRAMES[0], {VOLUME: 3.0}, revision=99999)])
    far, _ = apply(town, slip)
    lower, _ = apply(town, right)
    over, _ = apply(town, right, rule=CorrectionRule(over="tuf_2000m@9999"))
    again, _ = apply(town, right, rule=CorrectionRule(over="tuf_2000m@9999"))
    later = write_lines(tmp_path / "later", [corrected(FRAMES[0], {VOLUME: 4.0}, revision=3)])
    next_one, _ = apply(town, later)
    with reading(town) as connection:
        kept = {
            row.revision
            for row in connection.execute(
                select(READING_CORRECTION).where(READING_CORRECTION.c.quantity == VOLUME)
            )
        }
        detail = list(connection.execute(select(AUDIT_EVENT.c.detail)).scalars())

    assert far.count(Verdict.TOO_FAR) == 1
    assert lower.count(Verdict.OLDER) == 1
    assert over.count(Verdict.CHANGES) == 1
    assert again.count(Verdict.UNCHANGED) == 1
    assert next_one.count(Verdict.CHANGES) == 1
    assert {9999, 2} <= kept
    assert any("tuf_2000m@9999" in str(each) for each in detail)


def test_a_quantity_that_the_new_revision_does_not_find_loses_its_value_everywhere(
    town: Engine, tmp_path: Path
) -> None:
    store(town, frame(1, HOUR, {VOLUME: 5.0}), frame(2, HOUR + timedelta(minutes=5), {VOLUME: 6.0}))
    gone = replace(
        FRAMES[0],
        measured_at_utc=HOUR + timedelta(minutes=5),
        values={},
        quality={VOLUME: BAD_PROFILE},
        profile="tuf_2000m@2",
        raw=None,
    )
    path = write_lines(tmp_path / "c.jsonl", [MeterFrame(meter_id="M-1", frame=gone)])

    tally, _ = apply(town, path)

    at_ms = ms_from_utc(HOUR)
    with reading(town) as connection:
        latest = connection.exec_driver_sql("SELECT * FROM reading_latest").one()
        hour = connection.execute(select(READING_HOURLY)).one()
    assert tally.quantities[VOLUME].withdrawn == 1
    assert latest.valued_at_ms == at_ms
    assert f'[null,{at_ms + 300_000},"bad_profile"]' in latest.state
    assert (hour.first_m3, hour.last_m3, hour.reading_count) == (5.0, 5.0, 2)


def test_what_is_found_first_judged_otherwise_or_an_event_is_told_apart(
    town: Engine, tmp_path: Path
) -> None:
    store(
        town,
        replace(FRAMES[0], values={VOLUME: 1.0}, quality={FLOW: BAD_TIMEOUT}),
    )
    better = replace(
        FRAMES[0],
        values={VOLUME: 1.0, ENERGY: 7.0},
        quality={VOLUME: SUSPECT_STATUS, FLOW: BAD_PROFILE},
        events=("leak_water",),
        profile="tuf_2000m@2",
        raw=None,
    )

    tally, _ = apply(town, write_lines(tmp_path / "c", [MeterFrame(meter_id="M-1", frame=better)]))

    with reading(town) as connection:
        events = connection.execute(select(METER_EVENT.c.event)).scalars().all()
    assert events == ["leak_water"]
    assert list(describe(tally, is_dry_run=False)) == [
        "1 lines: 1 changed, 0 say what is stored, 0 not used; 1 meters",
        "  energy_kwh: 0 replaced, 1 gained, 0 withdrawn, 0 of another quality",
        "  flow_m3h: 0 replaced, 0 gained, 0 withdrawn, 1 of another quality",
        "  volume_m3: 0 replaced, 0 gained, 0 withdrawn, 1 of another quality",
    ]


def test_a_meter_that_was_removed_keeps_its_hours(town: Engine, tmp_path: Path) -> None:
    store(town, *FRAMES)
    with town.begin() as connection:
        connection.execute(delete(DEVICE_METER))
        connection.execute(delete(METER))
        connection.execute(delete(READING_LATEST))
    (of_nobody, *_) = exported(town, Wanted())

    tally, _ = apply(town, write_lines(tmp_path / "c", CORRECTED))

    with reading(town) as connection:
        hour = connection.execute(select(READING_HOURLY)).one()
    assert of_nobody.frame.device == UNKNOWN_DEVICE
    assert tally.count(Verdict.CHANGES) == 3
    assert (hour.first_m3, hour.last_m3) == (100.0, 120.0)


def test_an_ingest_that_runs_beside_goes_on_from_what_was_corrected(
    town: Engine, tmp_path: Path
) -> None:
    writer = ReadingStore()
    with town.begin() as connection:
        writer.store_batches(connection, [batch(*FRAMES)], NOON)
    apply(town, write_lines(tmp_path / "c.jsonl", CORRECTED))

    last = frame(4, HOUR + timedelta(minutes=45), {VOLUME: 13.0}, profile="tuf_2000m@2")
    with town.begin() as connection:
        writer.store_batches(connection, [batch(last)], NOON)

    with reading(town) as connection:
        hour = connection.execute(select(READING_HOURLY)).one()
    assert (hour.first_m3, hour.last_m3, hour.reading_count) == (10.0, 13.0, 4)


def test_export_yields_the_words_of_every_group_exactly_as_they_came(town: Engine) -> None:
    store(
        town,
        frame(1, HOUR, {FLOW: 1.0}),
        frame(2, HOUR, {VOLUME: 1.0}, group="slow"),
        frame(3, HOUR, {ENERGY: 1.0}, group="day"),
        frame(4, HOUR, {}, device="D-2", profile="fuxin_gas_flow@1"),
    )

    found = exported(town, Wanted())

    assert [(line.meter_id, line.frame.device, line.frame.group) for line in found] == [
        ("M-1", "D-1", "day"),
        ("M-1", "D-1", "fast"),
        ("M-1", "D-1", "slow"),
        ("M-2", "D-2", "fast"),
    ]
    assert [line.frame.raw for line in found] == [
        b"day:tuf_2000m@1",
        b"fast:tuf_2000m@1",
        b"slow:tuf_2000m@1",
        b"fast:fuxin_gas_flow@1",
    ]


def test_export_takes_only_what_is_wanted(town: Engine) -> None:
    later = HOUR + timedelta(hours=1)
    with town.begin() as connection:
        map_device(connection, "D-NEW", "M-1", later)
    store(
        town,
        frame(1, HOUR, {VOLUME: 1.0}),
        frame(2, later, {VOLUME: 2.0}, device="D-NEW", profile="tuf_2000m@2"),
        frame(3, HOUR, {FLOW: 2.0}, profile="tuf_2000m@2", group="slow"),
    )
    of_first = [("D-1", HOUR, "fast"), ("D-1", HOUR, "slow")]
    of_second = [("D-NEW", later, "fast")]

    def found(**wanted: object) -> list[tuple[str, object, str]]:
        lines = exported(town, Wanted(**wanted))  # type: ignore[arg-type]  # spelled per case
        return [(each.frame.device, each.frame.measured_at_utc, each.frame.group) for each in lines]

    assert found() == of_first + of_second
    assert found(profile="tuf_2000m@1") == of_first
    assert found(profile="tuf_2000m@2") == of_first + of_second
    assert found(profile="mbus@1") == []
    assert found(device="D-NEW") == of_second
    assert found(device="nobody") == []
    assert found(from_utc=later) == of_second
    assert found(to_utc=later) == of_first


def test_a_byte_order_behind_the_revision_hides_neither_of_the_two(
    town: Engine, tmp_path: Path
) -> None:
    store(
        town,
        frame(1, HOUR, {FLOW: 1.0}, profile="vortex@1+CDAB"),
        frame(2, HOUR, {FLOW: 1.0}, device="D-2", profile="vortexx@1"),
    )
    better = replace(FRAMES[0], values={FLOW: 2.0}, profile="vortex@12+CDAB", raw=None)

    (line,) = exported(town, Wanted(profile="vortex@1"))
    tally, _ = apply(town, write_lines(tmp_path / "c", [MeterFrame(meter_id="M-1", frame=better)]))

    assert line.frame.profile == "vortex@1+CDAB"
    assert tally.verdicts == {Verdict.CHANGES: 1}
    with reading(town) as connection:
        row = reading_row(
            connection.execute(select(READING).where(READING.c.meter_id == "M-1")).one()
        )
    assert (row.revision, row.values) == (12, {FLOW: 2.0})


def test_words_of_a_reading_that_has_none_are_left_out(town: Engine) -> None:
    store(town, replace(FRAMES[0], raw=None))

    assert exported(town, Wanted()) == []


def test_the_commands_export_and_apply_and_name_what_was_not_used(
    town: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store(town, *FRAMES)
    settings = tmp_path / "server.toml"
    url = town.url.render_as_string(hide_password=False)
    settings.write_text(f'[database]\nurl = "{url}"\n')
    words, lines = tmp_path / "words.jsonl", tmp_path / "lines.jsonl"
    place = ["--config", str(settings)]

    first = main(["export-raw", *place, str(words), "--from", "2026-01-01T00:00Z"])
    read = [parse_meter_frame("w", data) for data in words.read_bytes().splitlines()]
    write_lines(lines, [*CORRECTED, corrected(FRAMES[0], {VOLUME: 1.0}, revision=1)])
    second = main(["apply-corrections", *place, str(lines)])

    said = capsys.readouterr()
    assert (first, second, len(read)) == (0, 1, 3)
    assert said.out.splitlines()[:2] == [
        f"3 lines to {words}",
        "4 lines: 3 changed, 0 say what is stored, 1 not used; 1 meters",
    ]
    assert said.err.splitlines()[-1] == f"{lines}: 1 lines were not used; see above"


def test_a_file_that_is_not_there_and_a_time_without_a_zone_say_so(
    town: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--data", str(tmp_path)]
    missing = tmp_path / "none.jsonl"

    status = main(["apply-corrections", *place, str(missing)])
    with pytest.raises(SystemExit):
        main(["export-raw", *place, str(missing), "--from", "2026-11-01T00:00"])

    said = capsys.readouterr().err
    assert status == 1
    assert f"{missing}: file: No such file or directory; name a file of corrections" in said
    assert "has no time zone; write it like 2026-11-01T00:00Z" in said
    with pytest.raises(RuntimeError, match="name a file that can be written"):
        export_raw(town, Wanted(), tmp_path / "no folder" / "f", QUIET)


_names = st.sampled_from([VOLUME, FLOW, ENERGY])


@st.composite
def _rows(draw: st.DrawFn) -> ReadingRow:
    revision = draw(st.integers(1, 4))
    values = draw(st.dictionaries(_names, st.floats(0, 9), max_size=3))
    bad = draw(st.sets(_names)) - values.keys()
    older = draw(st.dictionaries(_names, st.integers(0, 3)))
    row = row_of("M-1", 0, frame(1, HOUR, values, profile=f"p@{revision}"))
    known = {*values, *bad}
    return replace(
        row,
        quality=dict.fromkeys(bad, BAD_TIMEOUT),
        older_revisions={n: r for n, r in older.items() if n in known and r < revision},
    )


@given(stored=_rows(), line=_rows())
def test_a_correction_applied_twice_is_applied_once_and_never_lowers_a_revision(
    stored: ReadingRow, line: ReadingRow
) -> None:
    sent = frame(1, HOUR, line.values, profile=line.profile)
    correction = MeterFrame(meter_id="M-1", frame=replace(sent, quality=line.quality))

    once = correct_row(stored, correction)
    again = correct_row(once.row, correction)

    assert once.row is not None
    assert again.row == once.row
    assert again.verdict is not Verdict.CHANGES
    assert once.row.revision >= stored.revision
    kept = {item.quantity: item.value for item in once.superseded}
    for change in once.changes:
        assert change.before is None or kept[change.quantity] == change.before
