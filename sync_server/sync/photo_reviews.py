"""Makes a photo that cannot be taken somebody's business: its record needs another one."""

from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from sync_server.blobs.intake import RefusedPhoto
from sync_server.blobs.ref_store import records_of
from sync_server.sync.review_store import NewReview, ReviewKind, add_review_once

BLOB_ENTITY: Final = "blob"
"""What an item is about while no record names the photo yet."""


def review_refused_photo(connection: Connection, photo: RefusedPhoto, now_utc: datetime) -> None:
    """Ask a person to look, once for each record of the photo while nobody has looked."""
    for entity, entity_id in records_of(connection, photo.sha256) or [(BLOB_ENTITY, photo.sha256)]:
        new = NewReview(
            kind=ReviewKind.PHOTO_REFUSED,
            op_id=None,
            entity=entity,
            entity_id=entity_id,
            code=photo.code,
        )
        add_review_once(connection, new, now_utc)
