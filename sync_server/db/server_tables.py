"""The table of the server's own facts: its epoch, its asset version."""

from sqlalchemy import BigInteger, Column, String, Table

from sync_server.db.metadata import METADATA

SERVER_STATE = Table(
    "server_state",
    METADATA,
    Column("name", String(40), primary_key=True),
    Column("number", BigInteger, nullable=False),
)
"""`epoch`: random, drawn anew by a restore (RULINGS R1). `asset_version`: rises with each change
of gateways, meters or their mapping, so that the ingest knows when to read them again.
`correction_version`: rises with each correction of stored readings, for detection.
`moved_at_ms`: when everything was moved to another database; no server runs over this one then."""
