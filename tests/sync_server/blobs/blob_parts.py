"""Pictures drawn by code, tablets that send them, and a server's intake on a real folder."""

import hashlib
import io
import random
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from sync_server.access.tablet_store import TabletIdentity
from sync_server.blobs.files_io import BlobFiles
from sync_server.blobs.intake import Intake
from sync_server.sync.photo_reviews import review_refused_photo
from tests.sync_server.people_parts import Pen, Utility
from wire_contracts.blobs import (
    BlobMime,
    BlobOffer,
    BlobRole,
    PhotoRef,
    ThumbRef,
    photo_ref_json,
)
from wire_contracts.operations import Operation, OperationKind
from wire_contracts.orders import FactType


def jpeg(seed: int = 1, *, at_least_bytes: int = 0, size: tuple[int, int] = (64, 48)) -> bytes:
    """Return a JPEG; random bytes behind its end bring it to a length, as cameras do."""
    picture = Image.new("RGB", size, (seed * 40 % 256, 90, 120))
    ImageDraw.Draw(picture).line((0, 0, *size), fill="white", width=3)
    out = io.BytesIO()
    picture.save(out, "JPEG")
    content = out.getvalue() + seed.to_bytes(4, "big")
    return content + random.Random(seed).randbytes(max(0, at_least_bytes - len(content)))


def signature() -> bytes:
    """Return a PNG of two strokes on nothing."""
    picture = Image.new("RGBA", (200, 80), (0, 0, 0, 0))
    ImageDraw.Draw(picture).line((10, 60, 90, 20, 190, 55), fill="black", width=4)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def name_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def offer_of(
    content: bytes, role: BlobRole = BlobRole.PHOTO, mime: BlobMime = BlobMime.JPEG
) -> BlobOffer:
    return BlobOffer(sha256=name_of(content), size_bytes=len(content), mime=mime, role=role)


def photo_fact(pen: Pen, order_id: str, content: bytes, thumb: bytes | None = None) -> Operation:
    """Return the operation by which a crew says that it took a photo."""
    small = None if thumb is None else ThumbRef(sha256=name_of(thumb), size_bytes=len(thumb))
    ref = PhotoRef(
        order_id=order_id,
        sha256=name_of(content),
        size_bytes=len(content),
        mime=BlobMime.JPEG,
        role=BlobRole.PHOTO,
        thumb=small,
    )
    fact_id, name = next(pen.ids), str(FactType.PHOTO_REF)
    return pen.operation(OperationKind.FACT, fact_id, name, payload=photo_ref_json(ref))


@dataclass(frozen=True, slots=True, kw_only=True)
class Depot:
    """A server's photos: the folder and the way in."""

    utility: Utility
    files: BlobFiles
    intake: Intake

    @property
    def tablet(self) -> TabletIdentity:
        return self.utility.tablet

    def send(self, content: bytes, *, chunk_bytes: int = 1 << 20) -> bool:
        """Send a photo like a tablet does; return whether it is safe."""
        answer = self.intake.offer(self.tablet, offer_of(content))
        if answer.is_had:
            return True
        upload = self.intake.upload(self.tablet, name_of(content), answer.offset)
        assert upload is not None
        for start in range(answer.offset, len(content), chunk_bytes):
            upload.add(content[start : start + chunk_bytes])
        return upload.finish().is_had


def depot_of(utility: Utility, folder: Path) -> Depot:
    files = BlobFiles(folder)
    intake = Intake(utility.engine, files, utility.clock, review_refused_photo)
    return Depot(utility=utility, files=files, intake=intake)
