"""Forgets what has been kept long enough: recordings, read messages to staff, files looked at."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete

from sync_server.db.import_tables import IMPORT_DRAFT
from sync_server.service_desk.recording_store import forget_old
from sync_server.staff.notice_store import empty_old
from sync_server.work_orders.policy_store import policy_at
from wire_contracts.frames import ms_from_utc

KEEP_DRAFTS = timedelta(hours=1)
"""A file that was looked at and not taken holds customers' data."""


def forget_due(connection: Connection, now_utc: datetime) -> Mapping[str, int]:
    """Return how many of each were forgotten now; call it once a day or more often."""
    days = policy_at(connection, "retention.staff_messages.days", now_utc)
    drafts = connection.execute(
        delete(IMPORT_DRAFT).where(IMPORT_DRAFT.c.made_at_ms < ms_from_utc(now_utc - KEEP_DRAFTS))
    ).rowcount
    return {
        "recordings": len(forget_old(connection, now_utc)),
        "staff_messages": empty_old(connection, timedelta(days=days), now_utc),
        "import_drafts": drafts,
    }
