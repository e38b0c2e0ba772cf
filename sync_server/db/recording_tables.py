"""The table of recordings: where the telephone system keeps them, never the sound itself."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, String, Table

from sync_server.db.metadata import METADATA

CALL_RECORDING = Table(
    "call_recording",
    METADATA,
    Column("call_id", String(64), ForeignKey("phone_call.call_id"), primary_key=True),
    Column("reference", String(400), nullable=False),
    Column("told_at_ms", BigInteger, nullable=False),
    Column("forgotten_at_ms", BigInteger, nullable=True),
    Index(None, "forgotten_at_ms", "told_at_ms"),
)
"""Where the telephone system keeps a recording; emptied when its time is over (rule C-13)."""
