"""A full disk keeps no word here that could go out: the reserve makes room for the contact."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from field_app.crew import HeadlessCrew
from field_app.store.care import care_for
from field_app.store.database_io import StoreFullError
from field_app.store.reserve_io import RESERVE_BYTES, give_back, is_kept, keep_reserve
from field_app.sync.reasons import Reason
from tests.field_app.office_parts import Office
from tests.field_app.small_disk_child import LEFT_BYTES
from tests.field_app.test_disk_full import LONG, full_disk
from wire_contracts.frames import ms_from_utc
from wire_contracts.work_order_states import WorkOrderEvent

ROOT = Path(__file__).parents[2]


def test_a_contact_that_finds_no_room_says_so_and_loses_nothing(
    crew: HeadlessCrew, office: Office
) -> None:
    order_id = office.new_order()
    crew.sync_now()
    crew.act(order_id, WorkOrderEvent.ACCEPT)
    crew.tablet.desk.add_note(order_id, "wet")
    office.add_note(order_id, LONG)

    with full_disk(crew.tablet):
        with pytest.raises(StoreFullError):
            crew.tablet.desk.add_note(order_id, LONG)
        verdict = crew.sync_now()
        on_the_way = len(crew.tablet.waiting())
    after = crew.sync_now()

    assert (verdict.reason, on_the_way) in {(Reason.NO_ROOM, 2), (Reason.NO_ROOM, 0)}
    assert (after.reason, crew.tablet.waiting()) == (Reason.NONE, ())
    assert sorted(office.order(order_id).document.note.splitlines()) == ["wet", LONG]


def test_the_reserve_takes_real_room_once_and_gives_it_back(tmp_path: Path) -> None:
    path = tmp_path / "reserve"
    keep_reserve(path)
    blocks = path.stat().st_blocks
    keep_reserve(path)

    assert is_kept(path)
    assert blocks * 512 >= RESERVE_BYTES, "a file of holes holds nothing back"
    assert (give_back(path), give_back(path), is_kept(path)) == (True, False, False)


def test_an_idle_tablet_holds_its_reserve_again(crew: HeadlessCrew, office: Office) -> None:
    database = crew.tablet.database
    before = database.give_back_reserve()

    care_for(database, ms_from_utc(office.clock.now_utc()))

    assert (before, database.give_back_reserve()) == (False, True)


@pytest.mark.nightly
def test_on_a_disk_without_a_byte_everything_that_waits_is_sent_once(tmp_path: Path) -> None:
    folder, disk = tmp_path / "office", tmp_path / "disk"
    folder.mkdir()
    disk.mkdir()
    child = f"{sys.executable} -m tests.field_app.small_disk_child {folder} {disk}"
    script = f"mount -t tmpfs -o size=32m none {disk} && {child}"
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["told"]
    assert len(told) == len(LEFT_BYTES)
    for each in told:
        assert each["before"] == ["none", True]
        assert each["full"] == ["no_room", "no_room", 0]
        assert (each["in_office"], each["twice"]) == (each["kept"], 0)
        assert each["after"] == ["none", 0, True]
