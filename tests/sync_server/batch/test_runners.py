"""Whoever does the parts of a long work, what comes out is the same to the last bit."""

import argparse
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from distributed import LocalCluster
from sqlalchemy import Engine

from sync_server.__main__ import main
from sync_server.alerts.alert import AlertFilter
from sync_server.alerts.alert_list_store import list_alerts
from sync_server.balances.year_store import load_year
from sync_server.balances.zone_store import Zone, ZoneMonth
from sync_server.batch.choose_io import open_runner
from sync_server.batch.dask_io import open_dask
from sync_server.batch.runner import BatchError, InProcess, Reach, Runner
from sync_server.batch.runner_options import (
    RunnerKind,
    RunnerOptions,
    add_runner_options,
    runner_options,
)
from sync_server.db.advisory_io import AdvisoryLocks
from sync_server.db.engine_io import open_engine, reading
from sync_server.db.migrate_io import migrate
from sync_server.db.server_store import draw_server_epoch
from sync_server.detection.meters.candidates import Candidate
from sync_server.detection.meters.state_arrays import pack_state
from sync_server.detection.watch.history_run_store import Past, PastWanted, live_fleet
from sync_server.detection.watch.relearn_io import DETECTION_LOCKS, FLEET_LOCK, relearn
from tests.sync_server.batch.past_parts import (
    END,
    START,
    STATION_CHILDREN,
    lay_down_past,
    wanted_past,
)
from wire_contracts.kinds import Kind


@dataclass
class Told:
    """Who is told of the parts; kills a worker when the first one is done."""

    victim: int | None = None
    counts: list[tuple[int, int]] = field(default_factory=list)

    def __call__(self, count: int, of: int) -> None:
        self.counts.append((count, of))
        if self.victim is not None and count == 1:
            os.kill(self.victim, signal.SIGKILL)


def _lived(engine: Engine, wanted: PastWanted, runner: Runner, told: Told) -> Past:
    with reading(engine) as connection:
        return live_fleet(engine, connection, wanted, (runner, told))


def _bits(past: Past) -> tuple[object, ...]:
    states = [(rows.tolist(), pack_state(state)) for rows, state in past.states]
    return (list(past.candidates), states, past.reading_count)


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """Two worker processes: what a site starts on machines of its own."""
    with LocalCluster(  # type: ignore[no-untyped-call]  # Dask has no types
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs="CRITICAL",
    ) as found:
        yield found


def test_workers_find_what_one_process_finds_also_when_one_is_killed_half_way(
    engine: Engine, cluster: LocalCluster
) -> None:
    lay_down_past(engine)
    wanted = wanted_past(engine, meters_in_part=3)
    here, there, victim = Told(), Told(), next(iter(cluster.workers.values())).pid

    alone = _lived(engine, wanted, InProcess(), here)
    with open_dask(cluster.scheduler_address, None) as runner:
        by_workers = _lived(engine, wanted, runner, there)
        with_a_loss = _lived(engine, wanted, runner, Told(victim=victim))

    assert runner.reach is Reach.MACHINE
    assert {each.kind for each in alone.candidates} >= {"exchange", "comm_gap"}
    assert _bits(by_workers) == _bits(alone)
    assert _bits(with_a_loss) == _bits(alone)
    assert here.counts == there.counts == [(count, 6) for count in range(1, 7)]


def test_the_memory_and_the_years_balances_are_the_same_by_workers(
    engine: Engine, cluster: LocalCluster
) -> None:
    lay_down_past(engine)
    site = (ZoneInfo("Asia/Shanghai"), END)

    made: list[
        tuple[list[tuple[str, Kind, float]], Sequence[tuple[Zone, Sequence[ZoneMonth]]]]
    ] = []
    with open_dask(cluster.scheduler_address, None) as dask:
        for runner in (InProcess(), dask):
            relearn(engine, END, runner, Told())
            with reading(engine) as connection:
                alerts = list_alerts(connection, AlertFilter(is_open=None, visibility=None))
                by = (runner, Told())
                years = load_year(engine, connection, "2026", site, by)
            raised = sorted((each.meter_id, each.kind, each.score) for each in alerts)
            made.append((raised, years))

    assert made[0] == made[1]
    assert {kind for _, kind, _ in made[0][0]} == {Kind.COMM_GAP}
    assert [zone.zone_id for zone, _ in made[0][1]] == [name for name, _ in STATION_CHILDREN]


def test_nothing_is_learned_anew_beside_a_server_that_detects(postgres_engine: Engine) -> None:
    server = AdvisoryLocks(postgres_engine, DETECTION_LOCKS)
    server.try_lock(FLEET_LOCK)

    with pytest.raises(BatchError, match="relearn: a server detects over this database; stop it"):
        relearn(postgres_engine, END, InProcess(), Told())

    server.close()


def test_a_cut_fleet_says_what_the_whole_one_says(sqlite_engine: Engine) -> None:
    lay_down_past(sqlite_engine)

    whole = _lived(sqlite_engine, wanted_past(sqlite_engine, 1000), InProcess(), Told())
    cut = _lived(sqlite_engine, wanted_past(sqlite_engine, 1), InProcess(), Told())

    def in_order(past: Past) -> list[Candidate]:
        return sorted(past.candidates, key=lambda each: (each.row, each.at_s, each.kind, each.rule))

    together = [{name, *children} for name, children in STATION_CHILDREN]
    specs = wanted_past(sqlite_engine, 1).fleet.specs
    parts = [{specs[row].meter_id for row in rows.tolist()} for rows, _ in cut.states]
    assert in_order(cut) == in_order(whole)
    assert cut.reading_count == whole.reading_count
    assert [each for each in parts if len(each) > 1] == together
    assert sum(len(rows) for rows, _ in cut.states) == len(specs)
    assert np.array_equal(whole.states[0][0], np.arange(len(specs)))


@pytest.mark.parametrize(
    ("is_there", "complaint"),
    [(True, "leads to another database"), (False, "does not see the database's file")],
)
def test_a_worker_that_reaches_another_database_makes_no_result(
    sqlite_engine: Engine,
    tmp_path: Path,
    cluster: LocalCluster,
    is_there: bool,  # noqa: FBT001  # pytest gives it
    complaint: str,
) -> None:
    lay_down_past(sqlite_engine)
    wanted = wanted_past(sqlite_engine, 200)
    other = open_engine(f"sqlite:///{tmp_path / 'other.sqlite3'}")
    if is_there:
        migrate(other)
        with other.begin() as connection:
            draw_server_epoch(connection)

    with (
        reading(sqlite_engine) as connection,
        open_dask(cluster.scheduler_address, None) as runner,
        pytest.raises(BatchError, match=complaint),
    ):
        live_fleet(other, connection, wanted, (runner, Told()))

    other.dispose()
    assert (tmp_path / "other.sqlite3").exists() is is_there


def test_a_file_of_this_machine_is_not_given_to_other_machines(sqlite_engine: Engine) -> None:
    lay_down_past(sqlite_engine)

    class Far(InProcess):
        reach = Reach.CLUSTER

    with pytest.raises(BatchError, match="other machines do not see this machine's SQLite file"):
        _lived(sqlite_engine, wanted_past(sqlite_engine, 200), Far(), Told())


def test_nobody_at_the_address_is_said_with_the_remedy() -> None:
    options = RunnerOptions(kind=RunnerKind.DASK, scheduler="tcp://127.0.0.1:9")

    with (
        pytest.raises(BatchError, match=r"nobody answers at 'tcp://127\.0\.0\.1:9'"),
        open_runner(options),
    ):
        pass


def _asked(*words: str) -> RunnerOptions:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_runner_options(parser)
    return runner_options(parser.parse_args(words))


def test_what_is_typed_says_who_does_the_work() -> None:
    address = "tls://cluster:8786"

    assert _asked() == RunnerOptions()
    assert _asked("--runner", "dask") == RunnerOptions(kind=RunnerKind.DASK)
    assert _asked("--scheduler", address) == RunnerOptions(kind=RunnerKind.DASK, scheduler=address)
    assert _asked("--workers", "3") == RunnerOptions(kind=RunnerKind.DASK, workers=3)
    with pytest.raises(argparse.ArgumentError, match="'0' is no number of workers; give 1 or more"):
        _asked("--workers", "0")


def test_a_command_over_own_workers_prints_what_one_process_prints(
    sqlite_engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lay_down_past(sqlite_engine)
    words = ["--data", str(tmp_path), "backtest", "--from", START.isoformat()]
    words += ["--to", END.isoformat()]

    codes = [main(words), main([*words, "--runner", "dask", "--workers", "1"])]

    lines = capsys.readouterr().out.splitlines()
    half = len(lines) // 2
    assert codes == [0, 0]
    assert lines[:half] == lines[half:]
    assert any(line.startswith("found: M-") for line in lines[:half])


def test_without_dask_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)

    with (
        pytest.raises(
            BatchError, match=r"distributed is not installed; pip install 'lamplighter\[batch\]'"
        ),
        open_runner(RunnerOptions(kind=RunnerKind.DASK)),
    ):
        pass
