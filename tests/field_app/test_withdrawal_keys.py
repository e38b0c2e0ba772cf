"""A tablet is withdrawn after the server got another key: nothing of it is lost with the old."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from field_app.platform.network import DesktopNetwork
from field_app.store.upload_store import PhotoStatus, find_job
from field_app.sync.reasons import Reason
from field_app.tablet import Tablet, open_tablet
from sync_server.blobs.api_io import blobs_router
from sync_server.blobs.blob_store import BlobState, find_blob
from sync_server.blobs.files_io import BlobFiles
from sync_server.blobs.intake import Intake
from sync_server.db.engine_io import reading
from sync_server.sync.sealed_room import SealedRoom, kept_drafts
from sync_server.sync.sealing_keys_io import SealingKeys
from sync_server.sync.service import SyncTerms
from tests.field_app.office_parts import Office, office_app, serving
from tests.field_app.photo_parts import Metered, noisy_jpeg
from tests.field_app.vault_parts import quick_vault
from tests.field_app.withdrawal_parts import PIN, kinds_kept, new_tablet, revoke
from wire_contracts.work_order_states import WorkOrderEvent

NOTE = {"note": "two hours of findings"}


@dataclass(slots=True, kw_only=True)
class Keeper:
    """The office's server with its folder of keys, and a tablet on which a draft and a photo wait.

    The network costs money until `Keeper.hand_in`: the photo waits for another one.
    """

    office: Office
    folder: Path
    keys: SealingKeys
    intake: Intake
    tablet: Tablet
    url: str
    order_id: str = ""
    sha256: str = ""

    def work(self) -> None:
        self.tablet.set_pin(PIN)
        self.order_id = self.office.new_order()
        self.tablet.sync_now()
        self.tablet.network = Metered()
        self.tablet.desk.tap(self.order_id, WorkOrderEvent.ACCEPT)
        self.tablet.desk.save_answers(self.order_id, NOTE)
        self.sha256 = self.tablet.photos.add(self.order_id, noisy_jpeg())
        self.tablet.sync_now()

    def get_another_key(self, aside: Path | None = None) -> None:
        """Make a new key; `aside` is where the former ones are put, None leaves them in place."""
        folder = self.folder / "keys"
        if aside is not None:
            aside.mkdir()
            for path in folder.glob("*.pem"):
                path.rename(aside / path.name)
        self.office.clock.advance(minutes=5)
        self.keys.rotate(self.office.clock.now_utc())

    def restart(self) -> None:
        """Start the tablet anew: nobody has opened its vault since."""
        self.tablet.close()
        folder = self.folder / "tablet"
        self.tablet = open_tablet(folder, self.office.clock, vault=quick_vault(folder))
        self.tablet.network = Metered()

    def hand_in(self) -> None:
        """Withdraw the tablet and let it have its contacts."""
        revoke(self.office, self.tablet)
        self.tablet.network = DesktopNetwork()
        for _ in range(2):
            self.tablet.sync_now()

    def at_the_office(self) -> tuple[object, BlobState | None]:
        """Return the answers of the draft, and how the photo stands."""
        with reading(self.office.engine) as connection:
            drafts = kept_drafts(connection, self.order_id)
            blob = find_blob(connection, self.sha256)
        answers = [each["answers"] for each in drafts if isinstance(each, dict)]
        return answers, None if blob is None else blob.state

    def status(self) -> PhotoStatus | None:
        job = self.tablet.database.read(partial(find_job, sha256=self.sha256))
        return None if job is None else job.status


@contextmanager
def keeper_in(office: Office, folder: Path) -> Iterator[Keeper]:
    keys = SealingKeys(folder / "keys")
    keys.ensure(office.clock.now_utc())
    intake = Intake(office.engine, BlobFiles(folder / "blobs"), office.clock)
    app = office_app(office, SyncTerms(keys=keys, intake=intake))
    app.include_router(blobs_router(intake))
    with serving(app) as url:
        found = Keeper(
            office=office,
            folder=folder,
            keys=keys,
            intake=intake,
            tablet=new_tablet(folder / "tablet", office, url),
            url=url,
        )
        with closing(found.tablet):
            found.work()
            yield found
            found.tablet.close()


@pytest.fixture
def keeper(office: Office, tmp_path: Path) -> Iterator[Keeper]:
    with keeper_in(office, tmp_path) as found:
        yield found


def test_what_was_sealed_to_a_lost_key_is_sealed_anew_before_it_goes(
    keeper: Keeper, tmp_path: Path
) -> None:
    keeper.get_another_key(aside=tmp_path / "lost")
    for _ in range(2):
        keeper.tablet.sync_now()

    keeper.hand_in()

    assert keeper.at_the_office() == ([NOTE], BlobState.HAVE)
    assert {is_opened for _, is_opened in kinds_kept(keeper.office)} == {True}
    assert keeper.tablet.withdrawal().photos_waiting == 0
    assert not keeper.tablet.vault.has_key()


def test_a_withdrawn_tablet_nobody_could_unlock_since_a_rotation_hands_in_the_older_copy(
    keeper: Keeper,
) -> None:
    keeper.get_another_key()
    keeper.restart()
    for _ in range(2):
        keeper.tablet.sync_now()

    keeper.hand_in()
    keeper.tablet.sync_now()

    assert keeper.at_the_office() == ([NOTE], BlobState.HAVE)
    assert keeper.status() is PhotoStatus.DONE
    assert not keeper.tablet.vault.has_key()


def test_a_photo_the_server_cannot_open_has_not_arrived_until_its_key_is_put_back(
    keeper: Keeper, tmp_path: Path
) -> None:
    keeper.get_another_key(aside=tmp_path / "lost")
    keeper.restart()
    keeper.hand_in()
    closed = (keeper.at_the_office()[1], keeper.status(), keeper.tablet.withdrawal().photos_waiting)

    for path in (tmp_path / "lost").glob("*.pem"):
        path.rename(tmp_path / "keys" / path.name)
    room = SealedRoom(keeper.office.engine, keeper.keys, keeper.intake)
    room.open_waiting(keeper.office.clock.advance(hours=25))
    keeper.tablet.sync_now()

    assert closed == (BlobState.AWAITING, PhotoStatus.QUEUED, 1)
    assert keeper.at_the_office()[1] is BlobState.HAVE
    assert keeper.status() is PhotoStatus.DONE


def test_a_photo_of_which_only_the_sealed_copy_is_left_is_never_called_gone(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper.tablet.network = Metered()
    revoke(keeper.office, keeper.tablet)
    keeper.tablet.sync_now()
    keeper.tablet.enrol(keeper.url, keeper.office.code(), "van 3")
    keeper.tablet.network = DesktopNetwork()
    monkeypatch.setattr(BlobFiles, "free_bytes", lambda _files: 0)
    keeper.tablet.sync_now()
    counts = [keeper.tablet.photos.count(keeper.order_id)]
    waiting = keeper.tablet.withdrawal().photos_waiting
    monkeypatch.undo()
    keeper.tablet.sync_now()
    counts.append(keeper.tablet.photos.count(keeper.order_id))

    assert [(each.done, each.held) for each in counts] == [(0, 0), (1, 0)]
    assert waiting == 1
    assert keeper.at_the_office()[1] is BlobState.HAVE


def test_what_a_server_could_not_open_is_asked_for_once_a_day(
    keeper: Keeper, tmp_path: Path
) -> None:
    keeper.get_another_key(aside=tmp_path / "lost")
    keeper.restart()
    keeper.hand_in()
    job = partial(find_job, sha256=keeper.sha256)
    asked = []
    for hours in (1, 22, 2):
        keeper.office.clock.advance(hours=hours)
        keeper.tablet.sync_now()
        found = keeper.tablet.database.read(job)
        asked.append(0 if found is None else found.done_at_ms)

    first, second, third = asked
    assert first == second
    assert timedelta(milliseconds=third - first) >= timedelta(hours=24)


def test_a_photo_whose_file_is_damaged_arrives_by_its_sealed_copy(keeper: Keeper) -> None:
    file = next(keeper.folder.rglob(f"{keeper.sha256}.vault"))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 255
    file.write_bytes(content)
    keeper.get_another_key()
    other = keeper.tablet.photos.add(keeper.order_id, noisy_jpeg(7))

    assert keeper.tablet.sync_now().reason is Reason.NONE
    keeper.tablet.network = DesktopNetwork()
    keeper.tablet.sync_now()

    assert keeper.status() is PhotoStatus.DONE
    assert keeper.at_the_office()[1] is BlobState.HAVE
    with reading(keeper.office.engine) as connection:
        blob = find_blob(connection, other)
    assert blob is not None
    assert blob.state is BlobState.HAVE


def test_a_photo_that_could_not_be_read_once_is_sealed_to_the_present_key_and_goes(
    keeper: Keeper, tmp_path: Path
) -> None:
    keeper.get_another_key(aside=tmp_path / "lost")
    keeper.tablet.network = DesktopNetwork()
    file = next(keeper.folder.rglob(f"{keeper.sha256}.vault"))
    kept = file.rename(file.with_suffix(".kept"))
    file.symlink_to("/proc/self/mem")  # every read of it is an input/output error
    keeper.tablet.sync_now()
    assert keeper.status() is PhotoStatus.SEALED

    kept.replace(file)
    for _ in range(2):
        keeper.office.clock.advance(hours=26)
        keeper.tablet.sync_now()

    assert keeper.at_the_office()[1] is BlobState.HAVE
