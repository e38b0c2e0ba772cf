"""What the disk did not give of a damaged file comes back later, or by its sealed copy."""

import errno
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import delete, select

from field_app.store.tables import draft_answer, outbox_op
from field_app.sync.reasons import Reason
from field_app.tablet import STORE_FILE, Tablet, open_tablet
from tests.field_app.office_parts import Office, serving
from tests.field_app.test_bad_pages import NOTE, PAGE, write_page
from tests.field_app.vault_parts import quick_vault
from tests.field_app.withdrawal_parts import PIN, app_with_keys, kinds_kept, new_tablet
from wire_contracts.work_order_states import WorkOrderEvent, WorkOrderState


@dataclass(slots=True)
class BadBlocks:
    """A disk that does not give some blocks to whoever reads a file that was set aside."""

    blocks: set[int]

    def read(self, descriptor: int, length: int) -> bytes:
        if length == PAGE and os.lseek(descriptor, 0, os.SEEK_CUR) // PAGE in self.blocks:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return _READ(descriptor, length)


_READ = os.read


@pytest.fixture
def server(office: Office, tmp_path: Path) -> Iterator[str]:
    with serving(app_with_keys(office, tmp_path / "keys")) as url:
        yield url


class Torn(NamedTuple):
    """A tablet's folder, and the order on which its crew is at work."""

    folder: Path
    order_id: str


@pytest.fixture
def torn(office: Office, server: str, tmp_path: Path) -> Torn:
    """Steps and a draft wait, sealed too; the file's first page is lost."""
    folder = tmp_path / "t"
    with closing(new_tablet(folder, office, server)) as tablet:
        tablet.set_pin(PIN)
        order_id = office.new_order()
        tablet.sync_now()
        for event in ("accept", "depart", "arrive", "begin"):
            tablet.desk.tap(order_id, WorkOrderEvent(event))
        tablet.desk.save_answers(order_id, {"note": NOTE})
        tablet.database.tidy(patiently=True)
    write_page(folder / STORE_FILE, 0, bytes(PAGE))
    return Torn(folder, order_id)


def start(torn: Torn, office: Office) -> Tablet:
    return open_tablet(torn.folder, office.clock, vault=quick_vault(torn.folder))


def blocks_of(torn: Torn, *marks: bytes) -> set[int]:
    """Return the blocks of the file in which one of the marks stands."""
    content = (torn.folder / STORE_FILE).read_bytes()
    return {
        at // PAGE
        for at in range(0, len(content), PAGE)
        if any(mark in content[at : at + PAGE] for mark in marks)
    }


def waiting_steps(tablet: Tablet) -> list[str]:
    return [each.operation.field for each in tablet.waiting()]


STEPS = ["accept", "depart", "arrive", "begin"]


def test_what_the_disk_did_not_give_at_one_start_comes_back_at_the_next(
    torn: Torn, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = BadBlocks(blocks_of(torn, b'"actor"', NOTE.encode()))
    assert bad.blocks
    with monkeypatch.context() as patched:
        patched.setattr(os, "read", bad.read)
        with closing(start(torn, office)) as tablet:
            assert waiting_steps(tablet) == []
    with closing(start(torn, office)) as tablet:
        assert waiting_steps(tablet) == STEPS
        found = tablet.database.read(lambda c: c.execute(select(draft_answer.c.value)).all())
        assert NOTE in str(found)
        assert tablet.damaged_files_count() == 1


def test_what_came_back_and_was_done_with_since_does_not_come_a_second_time(
    torn: Torn, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = BadBlocks(blocks_of(torn, b'"actor"'))
    with monkeypatch.context() as patched:
        patched.setattr(os, "read", bad.read)
        with closing(start(torn, office)) as tablet:
            tablet.database.write(lambda c: c.execute(delete(draft_answer)))
    with closing(start(torn, office)) as tablet:
        assert waiting_steps(tablet) == STEPS
        assert tablet.database.read(lambda c: c.execute(select(draft_answer)).all()) == []
        tablet.database.write(lambda c: c.execute(delete(outbox_op)))
    with closing(start(torn, office)) as tablet:
        assert waiting_steps(tablet) == []


def test_words_that_only_their_sealed_copies_still_tell_reach_the_office_in_their_order(
    torn: Torn, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = BadBlocks(blocks_of(torn, b'"actor"', NOTE.encode()))
    monkeypatch.setattr(os, "read", bad.read)
    with closing(start(torn, office)) as tablet:
        tablet.sync_now()

        assert office.order(torn.order_id).document.state is WorkOrderState.WORKING
        assert ("draft", True) in kinds_kept(office)
        tablet.desk.add_note(torn.order_id, "and goes on")
        assert tablet.sync_now().reason is Reason.NONE
        assert tablet.look_here() == ()
