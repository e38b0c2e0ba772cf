"""A damaged file: whatever of the crew's words still stands in its bytes comes back."""

import errno
import io
import os
import shutil
import sqlite3
import zipfile
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select, text
from sqlalchemy.exc import OperationalError

from field_app.clock_io import SystemClock, TapClock
from field_app.config_io import load_zone
from field_app.crew import HeadlessCrew
from field_app.i18n import ChosenWords
from field_app.platform.desktop import desktop_hardware
from field_app.presenters.ports import InlineWorker, PresenterContext
from field_app.presenters.sync import SyncPresenter
from field_app.store import (
    base_store,
    draft_store,
    outbox_store,
    sealed_sending_store,
    settings_store,
)
from field_app.store.database_io import Database
from field_app.store.draft_store import DraftAnswer
from field_app.store.identity_io import save_identity
from field_app.store.outbox_store import NewOperation, TapStamp
from field_app.store.page_scan import records, split_pages
from field_app.store.salvage_io import pack_damaged, set_aside
from field_app.store.saved_at import SavedAt
from field_app.store.settings_store import Key
from field_app.store.tables import draft_answer, outbox_op, photo_job, photo_link, sealed_item
from field_app.sync.reasons import Reason
from field_app.tablet import STORE_FILE, open_tablet
from tests.field_app.office_parts import Office
from tests.field_app.vault_parts import quick_vault
from tests.sync_server.real_parts import HandClock
from wire_contracts.fields import JsonObject
from wire_contracts.operations import OperationKind

PAGE = 4096
COUNT = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A file before its damage, and the marks of everything in it: each stands once in its row."""

    folder: Path
    database: bytes
    log: bytes

    def lay(self, folder: Path, database: bytes, log: bytes = b"") -> Path:
        folder.mkdir(parents=True)
        path = folder / STORE_FILE
        path.write_bytes(database)
        if log:
            path.with_name(f"{STORE_FILE}-wal").write_bytes(log)
        return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """A file with words of every kind; half of them stand in the log only."""
    folder = tmp_path_factory.mktemp("whole")
    path = folder / STORE_FILE
    with closing(Database(path)) as database:
        for number in range(COUNT // 2):
            database.write(partial(speak, number=number))
        database.tidy(patiently=True)
        for number in range(COUNT // 2, COUNT):
            database.write(partial(speak, number=number))
        log = path.with_name(f"{STORE_FILE}-wal").read_bytes()
        half = path.read_bytes()
    return Whole(folder=folder, database=half, log=log)


@pytest.fixture(scope="module")
def closed(whole: Whole) -> bytes:
    """The same file after its log was brought in."""
    return (whole.folder / STORE_FILE).read_bytes()


def speak(connection: Connection, *, number: int) -> None:
    stamp = TapStamp(actor="wang", at=TapClock(SystemClock()).stamp(0), app="0.1.0")
    change = NewOperation(
        kind=OperationKind.SET,
        entity="work_order",
        entity_id=f"o{number}",
        order_id=f"o{number}",
        field="note",
        old="",
        new=f"word-{number:03}. " + "漏" * (40 if number % 7 else 3000),
    )
    outbox_store.append_group(connection, [change], stamp)
    answer = DraftAnswer(
        order_id=f"o{number}",
        form="finding@1",
        field="note",
        value=f"draft-{number:03}.",
        actor="anna" if number % 2 else "wang",
    )
    draft_store.save_answer(connection, answer, SavedAt(number))
    sha256 = f"{number:064x}"
    photo = {"sha256": sha256, "order_id": f"o{number}", "size_bytes": 9, "sent_bytes": 4}
    connection.execute(photo_job.insert().values(**photo, is_done=0))
    link = {"fact_id": f"f{number}", "order_id": f"o{number}", "sha256": sha256}
    connection.execute(photo_link.insert().values(**link, role="photo", made_at_ms=number))
    envelope = (
        f'{{"about":"o{number}","box":"AAAAAAAAAAAAAAAAAAAAAA==","eph":"{"A" * 43}=",'
        '"key":"0000000000000000","kind":"draft","nonce":"AAAAAAAAAAAAAAAA","v":1}'
    )
    sealed = {"kind": "draft", "about": f"o{number}", "owner": "wang", "envelope": envelope}
    connection.execute(sealed_item.insert().values(**sealed, made_at_ms=number, is_alone=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a start found."""

    words: set[str]
    drafts: set[str]
    photos: set[str]
    links: set[str]
    sealed: set[str]
    reports: list[tuple[str, JsonObject]]


def start(folder: Path) -> Found:
    """Start the tablet, tap once, and return what it knows of the time before."""
    with closing(open_tablet(folder, HandClock(), vault=quick_vault(folder))) as tablet:
        found = tablet.database.read(look)
        tablet.database.write(partial(speak, number=COUNT + 7))
    return found


def look(connection: Connection) -> Found:
    def column(name: str, table: object) -> set[str]:
        return {str(row[0]) for row in connection.execute(text(f"SELECT {name} FROM {table}"))}  # noqa: S608  # names of ours

    entries = outbox_store.load_entries(connection, outbox_op.c.n > 0)
    drafts = connection.execute(select(draft_answer.c.value, draft_answer.c.actor))
    return Found(
        words={str(entry.operation.new)[:8] for entry in entries},
        drafts={f"{row.value} {row.actor}" for row in drafts},
        photos=column("sha256", "photo_job"),
        links=column("fact_id", "photo_link"),
        sealed=column("about", "sealed_item"),
        reports=base_store.load_reports(connection),
    )


ALL = Found(
    words={f"word-{number:03}" for number in range(COUNT)},
    drafts={f'"draft-{number:03}." {"anna" if number % 2 else "wang"}' for number in range(COUNT)},
    photos={f"{number:064x}" for number in range(COUNT)},
    links={f"f{number}" for number in range(COUNT)},
    sealed={f"o{number}" for number in range(COUNT)},
    reports=[],
)


def same_words(found: Found) -> bool:
    return (found.words, found.drafts, found.photos, found.links, found.sealed) == (
        ALL.words,
        ALL.drafts,
        ALL.photos,
        ALL.links,
        ALL.sealed,
    )


@pytest.mark.parametrize("size", [100, PAGE])
def test_without_its_header_page_a_file_gives_everything_back(
    tmp_path: Path, whole: Whole, closed: bytes, size: int
) -> None:
    path = whole.lay(tmp_path / "t", b"\0" * size + closed[size:])

    found = start(path.parent)

    assert same_words(found)
    ((kind, body),) = found.reports
    assert (kind, body["file"]) == ("store_damaged", f"{STORE_FILE}.damaged-1")


def test_the_damaged_file_is_kept_as_it_was(tmp_path: Path, whole: Whole, closed: bytes) -> None:
    broken = b"\0" * 100 + closed[100:]
    path = whole.lay(tmp_path / "t", broken)

    start(path.parent)

    aside = path.with_name(f"{STORE_FILE}.damaged-1")
    assert aside.read_bytes() == broken
    assert sorted(each.name for each in tmp_path.glob("t/*.reading*")) == []


def test_the_log_heals_a_header_that_stands_in_it(tmp_path: Path, whole: Whole) -> None:
    path = whole.lay(tmp_path / "t", b"\0" * PAGE + whole.database[PAGE:], whole.log)

    assert same_words(start(path.parent))


@pytest.mark.parametrize("has_index", [False, True])
def test_a_set_aside_that_was_interrupted_is_finished_and_no_log_is_mixed_up(
    tmp_path: Path, whole: Whole, *, has_index: bool
) -> None:
    path = whole.lay(tmp_path / "t", whole.database, whole.log)
    if has_index:
        path.with_name(f"{STORE_FILE}-shm").write_bytes(b"\0" * 32768)
    log = path.with_name(f"{STORE_FILE}-wal")
    log.rename(path.with_name(f"{STORE_FILE}.damaged-1-wal"))

    found = start(path.parent)

    assert same_words(found)
    assert path.with_name(f"{STORE_FILE}.damaged-1").read_bytes() == whole.database
    assert [kind for kind, _ in found.reports] == ["store_damaged"]


def test_a_file_is_never_set_aside_over_another(tmp_path: Path, whole: Whole) -> None:
    path = whole.lay(tmp_path / "t", whole.database, whole.log)
    first = set_aside(path)
    path.write_bytes(b"another")
    second = set_aside(path)

    assert (first.name, second.name) == (f"{STORE_FILE}.damaged-1", f"{STORE_FILE}.damaged-2")
    assert first.read_bytes() == whole.database
    assert first.with_name(f"{first.name}-wal").read_bytes() == whole.log


DAMAGE = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True), st.integers(1, 300), st.sampled_from(b"\0\xff\x5a")
    ),
    min_size=1,
    max_size=4,
)


@given(damage=DAMAGE)
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_random_damage_costs_only_the_pages_that_it_hit(
    tmp_path: Path, whole: Whole, closed: bytes, damage: list[tuple[float, int, int]]
) -> None:
    broken, hit = bytearray(closed), set()
    for place, length, filler in damage:
        at = int(place * len(closed))
        broken[at : at + length] = bytes([filler]) * len(broken[at : at + length])
        hit |= {at // PAGE, min(at + length, len(closed) - 1) // PAGE}
    folder = tmp_path / "t"
    shutil.rmtree(folder, ignore_errors=True)
    whole.lay(folder, bytes(broken))

    found = start(folder)

    lost = b"".join(closed[page * PAGE : (page + 1) * PAGE] for page in sorted(hit))
    short = {word for word in ALL.words if int(word[-3:]) % 7}
    assert {word for word in short if word.encode() not in lost} <= found.words
    kept = {draft for draft in ALL.drafts if draft.partition(" ")[0].encode() not in lost}
    assert kept <= found.drafts
    assert {name for name in ALL.photos if name.encode() not in lost} <= found.photos


@dataclass(slots=True)
class BadSector:
    """A disk that does not give one page of one file: SQLite hears of it, and every later reader.

    SQLite reads by itself: its word for it is raised where it first asks for the whole file.
    """

    page: int
    is_heard: bool = False

    def asked(self, statement: str) -> None:
        if statement == "PRAGMA quick_check" and not self.is_heard:
            self.is_heard = True
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorname = "SQLITE_IOERR_READ"
            raise OperationalError(statement, None, error)

    def read(self, descriptor: int, length: int) -> bytes:
        if length == PAGE and os.lseek(descriptor, 0, os.SEEK_CUR) == self.page * PAGE:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return _READ(descriptor, length)


_READ = os.read


@pytest.mark.parametrize("share", [0.0, 0.4, 0.9])
def test_a_bad_sector_costs_what_stands_on_it_and_no_start(
    tmp_path: Path, whole: Whole, closed: bytes, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    disk = BadSector(page=int(share * (len(closed) // PAGE)))
    path = whole.lay(tmp_path / "t", closed)
    monkeypatch.setattr(os, "read", disk.read)

    opened = open_tablet(path.parent, HandClock(), vault=quick_vault(path.parent), watch=disk.asked)
    with closing(opened) as tablet:
        found = tablet.database.read(look)

    lost = closed[disk.page * PAGE : (disk.page + 1) * PAGE]
    short = {word for word in ALL.words if int(word[-3:]) % 7}
    assert {word for word in short if word.encode() not in lost} <= found.words
    assert {name for name in ALL.photos if name.encode() not in lost} <= found.photos
    assert [kind for kind, _ in found.reports] == ["store_damaged"]
    content = pack_damaged(path.with_name(f"{STORE_FILE}.damaged-1"), b"{}")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert len(archive.read(f"{STORE_FILE}.damaged-1")) == len(closed)


@given(content=st.binary(max_size=3 * PAGE), log=st.binary(max_size=2 * PAGE))
def test_any_bytes_can_be_scanned(content: bytes, log: bytes) -> None:
    for record in records(split_pages(content, log)):
        assert isinstance(record, tuple)


def test_the_sync_page_counts_the_damaged_files_that_were_kept(
    tmp_path: Path, whole: Whole, closed: bytes
) -> None:
    path = whole.lay(tmp_path / "t", b"\0" * 100 + closed[100:])
    with closing(open_tablet(path.parent, HandClock(), vault=quick_vault(path.parent))) as tablet:
        context = PresenterContext(
            worker=InlineWorker(),
            words=ChosenWords("en"),
            clock=HandClock(),
            zone=load_zone("test", "UTC"),
        )
        presenter = SyncPresenter(tablet, context, desktop_hardware(tablet.vault))
        presenter.attach(lambda _view: None)

        assert presenter.view.capabilities[-1].text == (
            "1 kept; 302 entries were read out and are sent. "
            "Look through today's orders and show the office this tablet"
        )


def test_stamps_of_one_boot_go_on_whatever_the_wall_clock_does() -> None:
    clock = HandClock()
    stamps = TapClock(clock)
    made = [stamps.stamp(0)]
    for hours in (-5, 9, -2):
        clock.advance(hours=hours)
        made.append(stamps.stamp(0))

    assert len({each.boot_id for each in made}) == 1
    assert [each.mono_ms for each in made] == sorted(each.mono_ms for each in made)
    assert len({each.wall_ms for each in made}) == len(made)


def test_a_setting_that_is_no_number_any_more_does_not_stop_the_tablet(
    tmp_path: Path, whole: Whole, closed: bytes
) -> None:
    path = whole.lay(tmp_path / "t", closed)
    with closing(Database(path)) as database:
        database.write(lambda c: settings_store.save(c, Key.OFFSET_MS, "12x4"))

    found = start(path.parent)

    assert same_words(found)
    assert [kind for kind, _ in found.reports] == ["store_damaged"]


def test_sealed_things_and_the_withdrawal_survive_a_damage(
    tmp_path: Path, whole: Whole, closed: bytes
) -> None:
    path = whole.lay(tmp_path / "t", closed)
    with closing(Database(path)) as database:
        database.write(lambda c: settings_store.save(c, Key.WITHDRAWN_MS, 1))
        database.write(lambda c: c.execute(sealed_item.update().values(is_alone=1)))
    path.write_bytes(b"\0" * 100 + path.read_bytes()[100:])

    with closing(open_tablet(path.parent, HandClock(), vault=quick_vault(path.parent))) as tablet:
        assert tablet.withdrawal().is_withdrawn
        assert len(tablet.database.read(lambda c: sealed_sending_store.next_alone(c, 99))) >= COUNT


def test_words_go_although_the_offices_rows_are_damaged_under_the_running_app(
    office: Office, tmp_path: Path
) -> None:
    folder = tmp_path / "t"
    save_identity(folder, office.identity())
    with closing(HeadlessCrew(folder, office.clock, connect=lambda _: office.api())) as crew:
        order_id = office.new_order()
        crew.sync_now()
        crew.tablet.desk.add_note(order_id, "valve V7 is closed")
        office.add_note(order_id, "the office says")
        crew.tablet.database.tidy(patiently=True)
        tear_rows(crew.tablet.database, folder / STORE_FILE)

        verdict = crew.sync_now()

        assert verdict.reason is Reason.DAMAGED
        assert crew.tablet.status().reason is Reason.DAMAGED
        assert "valve V7 is closed" in office.order(order_id).document.note
    with closing(HeadlessCrew(folder, office.clock, connect=lambda _: office.api())) as crew:
        assert crew.sync_now().reason is Reason.NONE
        assert crew.tablet.damaged_files_count() == 1
        assert "the office says" in str(crew.tablet.desk.order(order_id))


def tear_rows(database: Database, path: Path) -> None:
    """Write zeros over the first page of the office's rows, of which no copy is in memory."""

    def forget(connection: Connection) -> int:
        connection.exec_driver_sql("PRAGMA cache_size=1")
        connection.exec_driver_sql("PRAGMA shrink_memory")
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'base_row'"
        return int(connection.exec_driver_sql(query).scalar_one())

    page = database.write(forget)
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(bytes(PAGE))
