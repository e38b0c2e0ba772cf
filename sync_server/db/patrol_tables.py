"""What inspectors are given: checkpoints, routes, homes to be checked, meters to be read."""

from sqlalchemy import BigInteger, Column, Index, String, Table, Text

from sync_server.db.metadata import METADATA

INSPECTION_ROW = Table(
    "inspection_row",
    METADATA,
    Column("entity", String(64), primary_key=True),
    Column("entity_id", String(64), primary_key=True),
    Column("crew_id", String(64), nullable=False),
    Column("document", Text, nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
    Index("ix_inspection_row_crew", "crew_id", "entity"),
)
"""One thing that one crew inspects, as the JSON document that its tablets are given."""
