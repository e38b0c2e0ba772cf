"""Owns the list of what arrived, which detection follows."""

from collections.abc import Sequence

from sqlalchemy import Connection, insert

from sync_server.db.arrival_rows import pack_rows
from sync_server.db.bulk_io import Row
from sync_server.db.detection_tables import READING_ARRIVAL


def note_arrivals(connection: Connection, cells: Sequence[Row], received_at_ms: int) -> None:
    """Enter rows of `reading` that this transaction has stored or changed."""
    if not cells:
        return
    connection.execute(
        insert(READING_ARRIVAL),
        {"received_at_ms": received_at_ms, "row_count": len(cells), "body": pack_rows(cells)},
    )
