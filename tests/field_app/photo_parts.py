"""A served office that takes photos, a crew's tablet with a PIN, and pictures to send."""

import io
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fastapi import FastAPI
from PIL import Image

from field_app.crew import HeadlessCrew
from field_app.photos.album import PhotoAlbum
from field_app.platform.network import NetworkKind
from field_app.store.upload_store import find_job
from sync_server.blobs.api_io import blobs_router
from sync_server.blobs.blob_store import BlobState, find_blob
from sync_server.blobs.files_io import BlobFiles
from sync_server.blobs.intake import Intake
from sync_server.blobs.ref_store import count_photos
from sync_server.blobs.want_store import want_blob
from sync_server.db.engine_io import reading
from tests.field_app.office_parts import Office, office_app, serving
from tests.field_app.vault_parts import quick_vault
from wire_contracts.blobs import BlobOffer, WantReason
from wire_contracts.orders import ENTITY

PIN = "285170"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A served office with a folder for photos, and a crew's tablet with a PIN."""

    office: Office
    files: BlobFiles
    intake: Intake
    crew: HeadlessCrew

    @property
    def album(self) -> PhotoAlbum:
        return self.crew.tablet.photos

    def state_of(self, sha256: str) -> BlobState | None:
        with reading(self.office.engine) as connection:
            found = find_blob(connection, sha256)
        return None if found is None else found.state

    def pending(self, order_id: str) -> tuple[int, int]:
        with reading(self.office.engine) as connection:
            count = count_photos(connection, ENTITY, order_id)
        return count.here, count.total

    def offer_of(self, sha256: str) -> BlobOffer:
        """Return what the tablet says of a photo before it sends it."""
        job = self.crew.tablet.database.read(partial(find_job, sha256=sha256))
        assert job is not None
        return BlobOffer(sha256=sha256, size_bytes=job.size_bytes, mime=job.mime, role=job.role)

    def want(self, sha256: str, reason: WantReason = WantReason.PERSON) -> None:
        with self.office.engine.begin() as connection:
            want_blob(connection, sha256, reason, "zhou", self.office.clock.now_utc())


class Metered:
    """A network that costs money."""

    def kind(self) -> NetworkKind:
        return NetworkKind.METERED


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoApp:
    """The served office, and where its photos lie."""

    app: FastAPI
    files: BlobFiles
    intake: Intake


def photo_app(office: Office, folder: Path) -> PhotoApp:
    files = BlobFiles(folder / "blobs")
    intake = Intake(office.engine, files, office.clock)
    app = office_app(office)
    app.include_router(blobs_router(intake))
    return PhotoApp(app=app, files=files, intake=intake)


@contextmanager
def photo_site(office: Office, folder: Path) -> Iterator[Site]:
    """Serve the office with its photos below `folder`, and enrol a tablet there."""
    found = photo_app(office, folder)
    tablet = folder / "tablet"
    with (
        serving(found.app) as url,
        closing(HeadlessCrew(tablet, office.clock, vault=quick_vault(tablet))) as crew,
    ):
        crew.enrol(url, office.code())
        crew.tablet.set_pin(PIN)
        yield Site(office=office, files=found.files, intake=found.intake, crew=crew)


def noisy_jpeg(seed: int = 1, side: int = 480) -> bytes:
    """Return a JPEG that is too large for a thumb: noise cannot be made small."""
    noise = Image.effect_noise((side, side), 90 + seed)
    out = io.BytesIO()
    noise.convert("RGB").save(out, "JPEG", quality=90)
    return out.getvalue()
