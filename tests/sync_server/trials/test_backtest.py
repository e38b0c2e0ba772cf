"""Rules over stored readings beside live alerts, labelled alerts as cases, weather from a file."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from sync_server.__main__ import main
from sync_server.alerts.alert_store import mark_ordered, record_finding
from sync_server.assets.assets import MeterClass
from sync_server.batch.runner import InProcess, nobody_asks
from sync_server.db.alert_tables import ALERT
from sync_server.db.detection_tables import DETECTION_CHECKPOINT, READING_ARRIVAL
from sync_server.detection.watch.fleet_watch import FleetWatch
from sync_server.readings.reading_store import ReadingStore
from sync_server.trials.backtest import TrialAlert, compare, report, say_reach
from sync_server.trials.backtest_io import WARM_UP, BacktestOrder, backtest
from sync_server.trials.cases_io import export_cases
from sync_server.trials.trial_errors import TrialError
from tests.sync_server.town_parts import batch, found_town, frame, new_meter
from wire_contracts.kinds import FindingResult, Kind
from wire_contracts.quantities import Quantity

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURS = 24 * 8
END = START + HOURS * HOUR
DAY_S = 86_400
_SHORT = "of 400 asked for; the database alone is read, not the archive's files"
_REACHED = "saw readings since 2025-01-25: 400 days to learn from before --from"


def _alert(meter: str, start_s: int, kind: Kind = Kind.BURST, **more: bool) -> TrialAlert:
    return TrialAlert(
        meter_id=meter, kind=kind, start_s=start_s, detected_s=start_s + 3600, score=2.0, **more
    )


def test_alerts_of_one_state_are_one_and_each_counts_once() -> None:
    live = [_alert("A", 0), _alert("B", 0), _alert("C", 0, is_false=True)]
    trial = [_alert("A", DAY_S, Kind.SLOW_LEAK), _alert("A", 2 * DAY_S), _alert("D", 0)]

    found = compare(live, trial)

    assert [(one.meter_id, other.start_s) for one, other in found.both] == [("A", DAY_S)]
    assert [each.meter_id for each in found.found] == ["D", "A"]
    assert [each.meter_id for each in found.lost] == ["B"]
    assert [each.meter_id for each in found.mended] == ["C"]
    assert report(found, 1000.0)[0].startswith("both: 1; found: 2; lost: 1; false alarms gone: 1")


@pytest.mark.parametrize(
    ("oldest_utc", "said"),
    [
        (None, "saw no reading: the database has none; the archive's files are not read"),
        (START - timedelta(days=500), _REACHED),
        (START - timedelta(days=400), _REACHED),
        (
            START - timedelta(days=41),
            f"saw readings since 2026-01-19: 41 days to learn from before --from, {_SHORT}",
        ),
        (
            START + timedelta(days=2),
            f"saw readings since 2026-03-03: 0 days to learn from before --from, {_SHORT}",
        ),
    ],
)
def test_a_back_test_says_how_far_back_it_saw(oldest_utc: datetime | None, said: str) -> None:
    assert say_reach(START - WARM_UP, START, oldest_utc) == said


def test_what_a_crew_found_normal_and_is_said_again_is_named() -> None:
    live, trial = [_alert("A", 0, is_false=True)], [_alert("A", 0)]

    assert [each.meter_id for each in compare(live, trial).false_again] == ["A"]


@pytest.fixture
def home(engine: Engine) -> Engine:
    """A home whose register jumps on the sixth day, stored and watched live."""
    total, frames = 100.0, []
    for hour in range(HOURS):
        total += 0.05 if hour % 24 in {7, 8, 19} else 0.0
        total += 4321.0 if hour == 24 * 5 else 0.0
        values = {Quantity.VOLUME_M3: round(total, 3)}
        frames.append(frame(hour + 1, START + hour * HOUR, values))
    meter = new_meter(
        "M-1", meter_class=MeterClass.HOUSEHOLD, interval=HOUR, is_mains_powered=False
    )
    store, watch = ReadingStore(), FleetWatch(engine)
    with engine.begin() as connection:
        found_town(connection, [meter])
    for first in range(0, HOURS, 12):
        with engine.begin() as connection:
            lot = batch(*frames[first : first + 12])
            store.store_batches(connection, [lot], START + (first + 12) * HOUR)
        watch.look(START + (first + 12) * HOUR)
    return engine


def _count_all(engine: Engine) -> list[object]:
    with engine.connect() as connection:
        return [
            connection.execute(select(table)).all()
            for table in (ALERT, DETECTION_CHECKPOINT, READING_ARRIVAL)
        ]


def test_the_same_rules_find_the_same_and_touch_nothing(home: Engine) -> None:
    before = _count_all(home)

    done = backtest(home, BacktestOrder(from_utc=START, to_utc=END), InProcess(), nobody_asks)

    found = [(live.meter_id, live.kind) for live, _ in done.comparison.both]
    assert ("M-1", Kind.EXCHANGE) in found
    assert not done.comparison.lost
    assert done.meter_days == HOURS / 24
    assert done.oldest_utc == START
    assert _count_all(home) == before


def test_a_rule_that_never_spoke_and_an_empty_span_are_refused(home: Engine) -> None:
    wrong = BacktestOrder(from_utc=START, to_utc=END, rules=("floor_of_glass",))
    empty = BacktestOrder(from_utc=END, to_utc=START)

    with pytest.raises(TrialError, match="--rule: 'floor_of_glass' never spoke; use one of"):
        backtest(home, wrong, InProcess(), nobody_asks)
    with pytest.raises(TrialError, match="--to: is not after --from; give a later time"):
        backtest(home, empty, InProcess(), nobody_asks)


def test_a_labelled_alert_becomes_a_case_with_its_readings(home: Engine, tmp_path: Path) -> None:
    with home.begin() as connection:
        alert_id = connection.execute(
            select(ALERT.c.alert_id).where(ALERT.c.kind == str(Kind.EXCHANGE))
        ).scalar_one()
        mark_ordered(connection, alert_id, "order", "anna", END)
        record_finding(
            connection,
            alert_id,
            FindingResult.INACCURATE,
            has_evidence=True,
            actor="crew",
            now_utc=END,
        )

    count = export_cases(home, tmp_path / "cases.jsonl")

    case = json.loads((tmp_path / "cases.jsonl").read_text())
    assert count == 1
    assert (case["label"], case["kind"], case["meter"]) == ("confirmed", "exchange", "M-1")
    assert len(case["readings"]["ts"]) == len(case["readings"]["volume_m3"]) == HOURS
    assert case["evidence"]["numbers"]
    assert "crew" not in case.values()


def test_weather_comes_from_a_file_or_not_at_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("weather,ts,t_out\nsite,2026-11-01T00:00:00Z,3.5\nsite,1793494800,4\n")
    bad.write_text("weather,ts,t_out\nsite,2026-11-01T00:00:00Z,3.5\nsite,noon,4\n")

    codes = [main(["--data", str(tmp_path), "import-weather", str(each)]) for each in (good, bad)]

    told = capsys.readouterr()
    assert codes == [0, 1]
    assert "2 hours of 1 stations" in told.out
    assert "bad.csv: line 3: ts: 'noon' is no time; write 2026" in told.err


def test_the_service_side_notes_a_meter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["--data", str(tmp_path), "note-meter", "M-9", "vacant"]

    code = main([*command, "--from", "2026-11-01T00:00Z", "--source", "WO-000001"])

    assert code == 1
    assert "note-meter: meter: 'M-9' is not known; import it" in capsys.readouterr().err
