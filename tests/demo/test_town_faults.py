"""The truth file, and what each fault does to what a meter counts."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.faults import Fault, FaultKind, is_silent, with_faults
from demo.faults_io import SETTLE, TruthFile, TruthFileError
from demo.town_time import slot_after

START = datetime(2026, 12, 14, 12, 0, tzinfo=UTC)
SLOTS = np.arange(slot_after(START), slot_after(START) + 8, dtype=np.int64)
HEALTHY = np.full(8, 2.0)


def fault(kind: FaultKind, *, flow_m3h: float = 0.0, share: float = 1.0) -> Fault:
    return Fault(
        fault_id=f"{kind}-1",
        meter_id="PW-001",
        kind=kind,
        start_utc=START + timedelta(minutes=25),
        end_utc=START + timedelta(minutes=75),
        flow_m3h=flow_m3h,
        share=share,
    )


def test_a_leak_adds_from_the_next_quarter_until_the_quarter_of_its_repair() -> None:
    counted = with_faults(HEALTHY, SLOTS, [fault(FaultKind.LEAK, flow_m3h=1.0)])

    assert counted.tolist() == [2.0, 2.0, 2.25, 2.25, 2.25, 2.0, 2.0, 2.0]


def test_a_stopped_meter_counts_nothing_and_a_slow_one_its_share() -> None:
    stopped = with_faults(HEALTHY, SLOTS, [fault(FaultKind.STOPPED)])
    slow = with_faults(HEALTHY, SLOTS, [fault(FaultKind.SLOW, share=0.75)])

    assert stopped.tolist() == [2.0, 2.0, 0.0, 0.0, 0.0, 2.0, 2.0, 2.0]
    assert slow.tolist() == [2.0, 2.0, 1.5, 1.5, 1.5, 2.0, 2.0, 2.0]


@given(st.permutations(list(FaultKind)))
def test_the_order_in_which_faults_are_listed_changes_nothing(kinds: list[FaultKind]) -> None:
    faults = [fault(kind, flow_m3h=1.0, share=0.5) for kind in kinds]

    counted = with_faults(HEALTHY, SLOTS, faults)

    assert counted.tolist() == with_faults(HEALTHY, SLOTS, faults[::-1]).tolist()


def test_a_silent_meter_is_silent_from_its_first_to_its_last_moment() -> None:
    silent = fault(FaultKind.SILENT)

    assert not is_silent([silent], START + timedelta(minutes=24))
    assert is_silent([silent], START + timedelta(minutes=25))
    assert not is_silent([silent], START + timedelta(minutes=75))


def test_what_is_injected_is_read_back(tmp_path: Path) -> None:
    truth = TruthFile(tmp_path / "town" / "truth.jsonl")
    leak = fault(FaultKind.LEAK, flow_m3h=1.5)

    assert truth.faults() == ()
    truth.inject(leak)

    assert TruthFile(truth.path).faults() == (leak,)
    assert truth.faults() == (leak,)


def test_a_repair_ends_the_fault_and_leaves_the_others(tmp_path: Path) -> None:
    truth = TruthFile(tmp_path / "truth.jsonl")
    silent = fault(FaultKind.SILENT)
    truth.inject(fault(FaultKind.LEAK, flow_m3h=1.5))
    truth.inject(silent)

    truth.repair("leak-1", START + timedelta(hours=9))

    ends = {each.fault_id: each.end_utc for each in truth.faults()}
    assert ends == {"leak-1": START + timedelta(hours=9) + SETTLE, "silent-1": silent.end_utc}


def test_a_line_that_is_still_being_written_is_left_for_later(tmp_path: Path) -> None:
    truth = TruthFile(tmp_path / "truth.jsonl")
    leak = fault(FaultKind.LEAK, flow_m3h=1.5)
    truth.inject(leak)
    with truth.path.open("a") as file:
        file.write('{"fault_id": "half')

    assert truth.faults() == (leak,)


def test_a_broken_line_names_file_and_line(tmp_path: Path) -> None:
    truth = TruthFile(tmp_path / "truth.jsonl")
    truth.inject(fault(FaultKind.LEAK))
    with truth.path.open("a") as file:
        file.write('{"fault_id": "x"}\n')

    with pytest.raises(TruthFileError, match=r"truth\.jsonl: line 2: is not a fault"):
        truth.faults()
