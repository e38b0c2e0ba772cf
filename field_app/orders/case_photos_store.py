"""Counts the photos of an order that belong to the case that is worked on now."""

from sqlalchemy import Connection, select

from field_app.orders.work_record import WorkRecord
from field_app.store import outbox_store
from field_app.store.tables import photo_link
from wire_contracts.blobs import BlobRole


def photos_of_case(connection: Connection, order_id: str, record: WorkRecord) -> int:
    """Return how many photos were taken since the finding of the case before; none signs anything.

    By the order of writing: a clock that was put right meanwhile makes no photo of that case one of
    this, and none of this one of that. Where the operation of a photo is here no more, the clock.
    """
    written = {
        entry.operation.entity_id: entry.operation.n
        for entry in outbox_store.entries_of(connection, order_id)
    }
    links = connection.execute(
        select(photo_link.c.fact_id, photo_link.c.made_at_ms).where(
            photo_link.c.order_id == order_id, photo_link.c.role == str(BlobRole.PHOTO)
        )
    )
    return sum(
        written[fact_id] >= record.begun_n
        if fact_id in written
        else made_at_ms >= record.begun_at_ms
        for fact_id, made_at_ms in links
    )
