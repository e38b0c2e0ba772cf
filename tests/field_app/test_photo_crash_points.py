"""The app is stopped between every two steps of taking and of sending a photo."""

import shutil
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from field_app.platform.aes_vault_io import AesVault
from field_app.platform.vault_file_io import ScryptCost
from field_app.store import upload_store
from field_app.store.identity_io import save_identity
from field_app.store.upload_store import PhotoStatus
from field_app.sync.uploading import BlobRefused, Standing
from field_app.tablet import Tablet, open_tablet
from sync_server.access.tablet_store import TabletIdentity
from sync_server.blobs.files_io import BlobFiles
from sync_server.blobs.intake import Intake, MisplacedError
from sync_server.blobs.ref_store import count_photos
from sync_server.db.engine_io import open_engine, reading
from sync_server.sync.service import SyncService
from tests.field_app.office_parts import FoundedOffice, Office
from tests.field_app.photo_parts import PIN, noisy_jpeg
from tests.sync_server.real_parts import HandClock
from wire_contracts.blobs import BlobAnswer, BlobOffer
from wire_contracts.codes import Code
from wire_contracts.operations import PushAnswer, WrittenPush
from wire_contracts.orders import ENTITY
from wire_contracts.pulls import PullAnswer
from wire_contracts.sync import SyncApi

PHOTO = noisy_jpeg(1, side=200)
MOST_STEPS = 5_000


class KilledError(BaseException):
    """The app ends here."""


@dataclass(slots=True)
class Killer:
    """Ends the app at one step, for good: whatever it still tries fails, too.

    What only reads is no step: a stop before it leaves what a stop before the next write leaves.
    """

    at: int = MOST_STEPS
    steps: int = 0
    is_on: bool = False

    def reached(self, step: str) -> None:
        if not self.is_on or step.startswith(("SELECT", "BEGIN")):
            return
        self.steps += 1
        if self.steps >= self.at and step != "ROLLBACK":
            raise KilledError(step)


@dataclass(slots=True, kw_only=True)
class Way:
    """The conversation in-process, blobs included; the killer stands at both ends of each."""

    api: SyncApi
    intake: Intake
    tablet: TabletIdentity
    killer: Killer
    told: list[str] = field(default_factory=list)

    def pull(self, token: str | None, limit: int) -> PullAnswer:
        return self.api.pull(token, limit)

    def push(self, push: WrittenPush) -> PushAnswer:
        return self.api.push(push)

    def blobs(self) -> "Way":
        return self

    def close(self) -> None:
        return

    def offer(self, offer: BlobOffer) -> BlobAnswer:
        self.killer.is_on = True
        self.killer.reached("before offer")
        answer = self.intake.offer(self.tablet, offer)
        self.killer.reached("after offer")
        return answer

    def standing(self, sha256: str) -> Standing | None:
        found = self.intake.standing(self.tablet, sha256)
        return None if found is None else Standing(is_had=found.is_had, offset=found.offset)

    def append(self, sha256: str, offset: int, data: bytes) -> Standing:
        self.killer.reached("before append")
        try:
            upload = self.intake.upload(self.tablet, sha256, offset)
        except MisplacedError as error:
            raise BlobRefused(Code.BLOB_OFFSET, "elsewhere", error.offset) from error
        assert upload is not None
        upload.add(data)
        standing = upload.finish()
        self.killer.reached("after append")
        return Standing(is_had=standing.is_had, offset=standing.offset)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A tablet that knows an order and a server that knows the tablet, to be copied and broken."""

    office: Office
    template: Path
    order_id: str

    def play(self, folder: Path, killer: Killer) -> Killer:
        """Take and send a photo until the killer comes; start anew, do the rest, look at it."""
        shutil.copytree(self.template, folder)
        engine = open_engine(f"sqlite:///{folder / 'server.sqlite3'}")
        try:
            with closing(self._tablet(folder, engine, killer)) as tablet:
                self._act(tablet, killer)
            with closing(self._tablet(folder, engine, Killer())) as tablet:
                assert_nothing_false(tablet)
                self._act(tablet, Killer())
                self._look(tablet, folder, engine)
        finally:
            engine.dispose()
        return killer

    def _act(self, tablet: Tablet, killer: Killer) -> None:
        object.__setattr__(tablet._photo_files, "reached", killer.reached)
        with suppress(KilledError):
            killer.is_on = True
            tablet.photos.add(self.order_id, PHOTO)
            killer.is_on = False  # orders and operations have crash points of their own
            tablet.sync_now()
        killer.is_on = False

    def _tablet(self, folder: Path, engine: Engine, killer: Killer) -> Tablet:
        utility = replace(
            self.office.utility, engine=engine, service=SyncService(engine, self.office.clock)
        )
        files = BlobFiles(folder / "blobs")
        way = Way(
            api=utility.sync(),
            intake=Intake(engine, files, self.office.clock),
            tablet=utility.tablet,
            killer=killer,
        )
        vault = quick_vault(folder / "tablet")
        tablet = open_tablet(
            folder / "tablet",
            self.office.clock,
            connect=lambda _identity: way,
            watch=killer.reached,
            vault=vault,
        )
        identity = tablet.identity
        assert identity is not None
        if vault.has_key():
            tablet.unlock(identity.actor, PIN)
        else:
            tablet.set_pin(PIN)
        return tablet

    def _look(self, tablet: Tablet, folder: Path, engine: Engine) -> None:
        tablet.sync_now()
        lines = tablet.photos.photos(self.order_id)
        with reading(engine) as connection:
            count = count_photos(connection, ENTITY, self.order_id)
        assert [each.job.status for each in lines] == [PhotoStatus.DONE]
        assert (count.total, count.here) == (1, 1)
        assert BlobFiles(folder / "blobs").is_intact(lines[0].sha256)
        assert tablet.photos.picture(lines[0].sha256) is not None


def assert_nothing_false(tablet: Tablet) -> None:
    """Every photo that the store promises has its file, and its operation."""
    jobs = tablet.database.read(upload_store.known_names)
    assert jobs - set(tablet._photo_files.names()) == set()


def quick_vault(folder: Path) -> AesVault:
    """Return the real vault with a PIN that is stretched little: nobody attacks it here."""
    folder.mkdir(parents=True, exist_ok=True)
    return AesVault(folder, cost=ScryptCost(n=2, r=1, p=1))


@pytest.fixture
def scene(founded: FoundedOffice, hand_clock: HandClock, tmp_path: Path) -> Iterator[Scene]:
    template = tmp_path / "template"
    template.mkdir()
    engine = founded.copy_to(template / "server.sqlite3")
    office = founded.office(engine, hand_clock)
    order_id = office.new_order()
    save_identity(template / "tablet", office.identity())
    scene = Scene(office=office, template=template, order_id=order_id)
    with closing(scene._tablet(template, engine, Killer())) as tablet:
        tablet.sync_now()
    engine.dispose()
    yield scene
    engine.dispose()


def test_a_stop_between_any_two_steps_loses_no_photo_and_doubles_none(
    scene: Scene, tmp_path: Path
) -> None:
    whole = scene.play(tmp_path / "whole", Killer())

    for at in range(1, whole.steps + 1):
        scene.play(tmp_path / str(at), Killer(at))

    assert 25 < whole.steps < MOST_STEPS
