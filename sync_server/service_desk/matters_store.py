"""Answers which matters were received in a time, with their paths and notes, in three reads."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from sync_server.db.desk_tables import REQUEST_NOTE, REQUEST_STEP, SERVICE_REQUEST
from sync_server.service_desk.clocks import Matter
from sync_server.service_desk.request import RequestNote, RequestStep
from sync_server.service_desk.request_rows_store import note_of_row, record_of_row, step_of_row
from wire_contracts.frames import ms_from_utc


def matters_received(
    connection: Connection, from_utc: datetime, to_utc: datetime
) -> Sequence[Matter]:
    """Return the matters received from then until before then, the oldest first."""
    is_of_time = (SERVICE_REQUEST.c.received_at_ms >= ms_from_utc(from_utc)) & (
        SERVICE_REQUEST.c.received_at_ms < ms_from_utc(to_utc)
    )
    steps: dict[str, list[RequestStep]] = {}
    own = SERVICE_REQUEST.c.request_id
    of_steps = select(REQUEST_STEP).join(SERVICE_REQUEST, own == REQUEST_STEP.c.request_id)
    for row in connection.execute(of_steps.where(is_of_time).order_by(REQUEST_STEP.c.step_id)):
        steps.setdefault(row.request_id, []).append(step_of_row(row))
    notes: dict[str, list[RequestNote]] = {}
    of_notes = select(REQUEST_NOTE).join(SERVICE_REQUEST, own == REQUEST_NOTE.c.request_id)
    for row in connection.execute(of_notes.where(is_of_time).order_by(REQUEST_NOTE.c.note_id)):
        notes.setdefault(row.request_id, []).append(note_of_row(row))
    order = (SERVICE_REQUEST.c.received_at_ms, own)
    rows = connection.execute(select(SERVICE_REQUEST).where(is_of_time).order_by(*order))
    return [
        Matter(
            record=record_of_row(row),
            steps=steps.get(row.request_id, ()),
            notes=notes.get(row.request_id, ()),
        )
        for row in rows
    ]
