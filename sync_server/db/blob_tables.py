"""The tables of photos and signatures: which blobs are known, and what they belong to."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table

from sync_server.db.metadata import METADATA

BLOB = Table(
    "blob",
    METADATA,
    Column("sha256", String(64), primary_key=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("mime", String(40), nullable=False),
    Column("state", String(10), nullable=False),
    Column("tablet_id", String(36)),
    Column("known_at_ms", BigInteger, nullable=False),
    Column("have_at_ms", BigInteger),
    Column("width_px", Integer),
    Column("height_px", Integer),
    Column("wanted_reason", String(10)),
    Column("wanted_at_ms", BigInteger),
    Column("wanted_by", String(80)),
    Index("ix_blob_state", "state", "known_at_ms"),
    Index("ix_blob_tablet", "tablet_id", "have_at_ms"),
)
"""One row per content: `awaiting` until its bytes are safe, then `have`, or `refused`."""

BLOB_REF = Table(
    "blob_ref",
    METADATA,
    Column("fact_id", String(64), primary_key=True),
    Column("role", String(10), primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("entity", String(64), nullable=False),
    Column("entity_id", String(64), nullable=False),
    Column("tablet_id", String(36), nullable=False),
    Column("noted_at_ms", BigInteger, nullable=False),
    Index("ix_blob_ref_blob", "sha256"),
    Index("ix_blob_ref_record", "entity", "entity_id"),
)
"""Which record a blob belongs to: a fact's photo and its thumb are two rows of one fact."""
