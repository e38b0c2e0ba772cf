"""The server is stopped between every two steps of a blob's commit; nothing false is ever left."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, event

from sync_server.blobs.blob_store import BlobState, names_in
from sync_server.blobs.files_io import BlobFiles
from sync_server.blobs.intake import Intake
from sync_server.blobs.ref_store import count_photos
from sync_server.blobs.sweep import sweep
from sync_server.blobs.want_store import want_blob
from sync_server.db.engine_io import open_engine, reading
from sync_server.work_orders.order_store import create_from_alert
from tests.sync_server.blobs.blob_parts import Depot, jpeg, name_of, offer_of, photo_fact
from tests.sync_server.people_parts import Pen, Utility, found_utility, raise_leak
from tests.sync_server.real_parts import NOON, HandClock
from wire_contracts.blobs import WantReason
from wire_contracts.orders import ENTITY

CONTENT = jpeg(1, at_least_bytes=20_000)
MOST_STEPS = 200


class KilledError(BaseException):
    """The process ends here."""


@dataclass(slots=True)
class Killer:
    """Ends the process at one step; counts them all."""

    at: int
    steps: list[str] = field(default_factory=list)

    def reached(self, step: str) -> None:
        self.steps.append(step)
        if len(self.steps) == self.at:
            raise KilledError(step)


@contextmanager
def watched(engine: Engine, killer: Killer) -> Iterator[None]:
    """Tell the killer of every statement and of every commit, before they happen."""

    def statement(_connection: Connection, _cursor: object, text: str, *_rest: object) -> None:
        killer.reached(text.split("\n", maxsplit=1)[0][:60])

    def commit(_connection: Connection) -> None:
        killer.reached("COMMIT")

    event.listen(engine, "before_cursor_execute", statement)
    event.listen(engine, "commit", commit)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", statement)
        event.remove(engine, "commit", commit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A server's file with an order whose photo is named and asked for, to be copied."""

    template: Path
    utility: Utility
    order_id: str

    def copy_to(self, folder: Path) -> Engine:
        folder.mkdir()
        (folder / "server.sqlite3").write_bytes(self.template.read_bytes())
        return open_engine(f"sqlite:///{folder / 'server.sqlite3'}")


@pytest.fixture
def site(sqlite_engine: Engine, clock: HandClock) -> Site:
    utility = found_utility(sqlite_engine, clock)
    pen = Pen(actor=utility.member.account_id, clock=clock)
    with sqlite_engine.begin() as connection:
        alert_id = raise_leak(connection)
        dispatcher = utility.dispatcher.account_id
        order = create_from_alert(connection, alert_id, dispatcher, "crew-1", NOON)
    pen.push(utility.sync(), photo_fact(pen, order.order_id, CONTENT))
    with sqlite_engine.begin() as connection:
        want_blob(connection, name_of(CONTENT), WantReason.PERSON, "zhou", NOON)
    sqlite_engine.dispose()
    template = Path(str(sqlite_engine.url.database))
    return Site(template=template, utility=utility, order_id=order.order_id)


def send(depot: Depot) -> None:
    """Offer, send in two requests, finish: what a tablet does when nothing breaks."""
    answer = depot.intake.offer(depot.tablet, offer_of(CONTENT))
    offset = answer.offset
    while not answer.is_had:
        upload = depot.intake.upload(depot.tablet, name_of(CONTENT), offset)
        assert upload is not None
        upload.add(CONTENT[offset : offset + 12_000])
        standing = upload.finish()
        offset = standing.offset
        if standing.is_had:
            return


def assert_nothing_false(engine: Engine, files: BlobFiles) -> None:
    with reading(engine) as connection:
        safe = names_in(connection, BlobState.HAVE)
    assert [name for name in safe if not files.is_intact(name)] == []
    assert [name for name in files.names() if not files.is_intact(name)] == []


def run_until(site: Site, folder: Path, at: int) -> list[str]:
    """Stop the server at one step, start it again, and let the tablet go on; return the steps."""
    engine = site.copy_to(folder)
    killer = Killer(at)
    files = BlobFiles(folder / "blobs", killer.reached)
    intake = Intake(engine, files, site.utility.clock)
    try:
        with watched(engine, killer):
            send(Depot(utility=site.utility, files=files, intake=intake))
    except KilledError:
        pass
    engine.dispose()
    again = open_engine(str(engine.url))
    files = BlobFiles(folder / "blobs")
    intake = Intake(again, files, site.utility.clock)
    assert_nothing_false(again, files)
    sweep(again, files, intake, NOON)
    assert_nothing_false(again, files)
    send(Depot(utility=site.utility, files=files, intake=intake))
    with reading(again) as connection:
        count = count_photos(connection, ENTITY, site.order_id)
    assert (count.total, count.here) == (1, 1)
    assert files.is_intact(name_of(CONTENT))
    again.dispose()
    return killer.steps


def test_a_stop_between_any_two_steps_leaves_nothing_false(site: Site, tmp_path: Path) -> None:
    whole = run_until(site, tmp_path / "whole", MOST_STEPS)

    for at in range(1, len(whole) + 1):
        steps = run_until(site, tmp_path / str(at), at)
        assert len(steps) == at, steps[-1]

    assert 10 < len(whole) < MOST_STEPS
    assert {"blob.hashed", "blob.synced", "blob.renamed", "blob.named", "COMMIT"} <= set(whole)


def test_a_photo_found_under_its_name_survives_a_power_cut_before_it_is_acknowledged(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = site.copy_to(tmp_path / "renamed")

    def die(step: str) -> None:
        if step == "blob.renamed":
            raise KilledError(step)

    files = BlobFiles(tmp_path / "renamed" / "blobs", die)
    intake = Intake(engine, files, site.utility.clock)
    with pytest.raises(KilledError):
        send(Depot(utility=site.utility, files=files, intake=intake))
    synced: list[Path] = []
    fsync = os.fsync

    def note(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    files = BlobFiles(tmp_path / "renamed" / "blobs")
    answer = Intake(engine, files, site.utility.clock).offer(site.utility.tablet, offer_of(CONTENT))

    target = files.path_of(name_of(CONTENT))
    assert answer.is_had
    assert {target, target.parent, files.root} <= set(synced)
    engine.dispose()
