"""Maps what the server asks of tablets: a row in the crew's bucket until the blob is here."""

from datetime import datetime

from sqlalchemy import Connection, update

from sync_server.access.tablet_store import newest_enrolment, tablet_as_it_was
from sync_server.blobs.ref_store import tablets_of
from sync_server.db.blob_tables import BLOB
from sync_server.db.change_store import Publication, crew_bucket, publish
from wire_contracts.blobs import WANT_ENTITY, BlobWant, WantReason, blob_want_json
from wire_contracts.frames import ms_from_utc


def want_blob(
    connection: Connection, sha256: str, reason: WantReason, by: str, now_utc: datetime
) -> bool:
    """Ask the tablets that took a photo for it; return False when no tablet could have it."""
    buckets = _buckets(connection, sha256)
    connection.execute(
        update(BLOB)
        .where(BLOB.c.sha256 == sha256)
        .values(wanted_reason=str(reason), wanted_at_ms=ms_from_utc(now_utc), wanted_by=by)
    )
    want = BlobWant(sha256=sha256, reason=reason)
    publication = Publication(
        entity=WANT_ENTITY,
        entity_id=sha256,
        document=blob_want_json(want),
        buckets=buckets,
    )
    publish(connection, publication, now_utc)
    return bool(buckets)


def stop_wanting(connection: Connection, sha256: str, now_utc: datetime) -> None:
    """Take the request back: the blob is here, or nobody needs it."""
    gone = Publication(entity=WANT_ENTITY, entity_id=sha256, document={}, buckets=frozenset())
    publish(connection, gone, now_utc)


def _buckets(connection: Connection, sha256: str) -> frozenset[str]:
    """Return where the devices that took the photo look today: one may be another crew's since."""
    return frozenset(
        crew_bucket(newest_enrolment(connection, tablet_as_it_was(connection, each)[0]).crew_id)
        for each in tablets_of(connection, sha256)
    )
