"""What a tablet does on a small disk that is really full, told in one line of JSON.

`python -m tests.field_app.small_disk_child OFFICE DISK`: OFFICE is a folder for the server's file,
DISK the mount point of a disk of 32 MB that nobody else uses.
"""

import json
import sys
from contextlib import closing, suppress
from pathlib import Path

from field_app.crew import HeadlessCrew
from field_app.presenters.sync import shown_reason
from field_app.store.database_io import StoreFullError
from field_app.store.identity_io import save_identity
from field_app.store.reserve_io import is_kept
from sync_server.sync.ledger_store import read_ledger
from tests.field_app.office_parts import Office, found_office
from tests.sync_server.real_parts import HandClock

LEFT_BYTES = (0, 40_000, 120_000, 400_000)
"""What the filler leaves: not even a contact begins, or it breaks off at one write or another."""

TAPS = 30


def fill(disk: Path, left_bytes: int) -> Path:
    """Take all that the disk has, but so many bytes."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass
    with filler.open("r+b") as file:
        file.truncate(max(filler.stat().st_size - left_bytes, 0))
    return filler


def tap_until_full(crew: HeadlessCrew, order_id: str, name: str) -> int:
    """Return how many remarks the tablet took before it had no room."""
    for number in range(TAPS):
        try:
            crew.tablet.desk.add_note(order_id, f"{name} {number}, water at the joint")
        except StoreFullError:
            return number
    return TAPS


def live_with(
    office: Office, order_id: str, crew: HeadlessCrew, disk: Path, left_bytes: int
) -> dict[str, object]:
    """Return what became of the crew's words while the disk was full and afterwards."""
    told_before = crew.sync_now().reason
    crew.tablet.database.keep_reserve()
    reserve = disk / "tablet" / "tablet.sqlite3-reserve"
    had_reserve = is_kept(reserve)
    former = len(office.order(order_id).document.note.splitlines())
    kept = tap_until_full(crew, order_id, f"{left_bytes} before")
    crew.tablet.database.tidy(patiently=True)
    filler = fill(disk, left_bytes)
    kept += tap_until_full(crew, order_id, f"{left_bytes} full")
    verdict = crew.sync_now()
    reason, waiting = shown_reason(crew.status()), len(crew.tablet.waiting())
    in_office = office.order(order_id).document.note.splitlines()
    filler.unlink()
    after = crew.sync_now()
    crew.tablet.database.keep_reserve()
    return {
        "before": [told_before, had_reserve],
        "full": [verdict.reason, reason, waiting],
        "kept": kept,
        "in_office": len(in_office) - former,
        "twice": len(in_office) - len(set(in_office)),
        "after": [after.reason, len(crew.tablet.waiting()), is_kept(reserve)],
    }


def main() -> None:
    """Live through it all with one tablet."""
    folder, disk = Path(sys.argv[1]), Path(sys.argv[2])
    founded = found_office(folder / "template.sqlite3")
    clock = HandClock()
    engine = founded.copy_to(folder / "server.sqlite3")
    office = founded.office(engine, clock)
    save_identity(disk / "tablet", office.identity())
    crew = HeadlessCrew(disk / "tablet", clock, connect=lambda _identity: office.api())
    with closing(crew):
        order_id = office.new_order()
        told = [live_with(office, order_id, crew, disk, left) for left in LEFT_BYTES]
    with engine.connect() as connection:
        ledger = len(read_ledger(connection))
    engine.dispose()
    sys.stdout.write(json.dumps({"told": told, "ledger": ledger}))


if __name__ == "__main__":
    main()
