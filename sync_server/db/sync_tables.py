"""The tables of the sync protocol: change index, ledger of operations, conflicts, review items."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    text,
)

from sync_server.db.metadata import METADATA

CHANGE_HEAD = Table(
    "change_head",
    METADATA,
    Column("shard", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("horizon", BigInteger, nullable=False),
)
"""One row: the last committed sequence, taken inside the commit, and the purged horizon."""

CHANGE = Table(
    "change",
    METADATA,
    Column("bucket", String(80), primary_key=True),
    Column("entity", String(64), primary_key=True),
    Column("entity_id", String(64), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("is_gone", Boolean, nullable=False),
    Column("row_hash", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index("ix_change_bucket_seq", "bucket", "seq"),
    Index("ix_change_entity", "entity", "entity_id"),
)
"""The latest entry of every thing in every bucket; a thing that left is a tombstone."""

PUBLISHED = Table(
    "published",
    METADATA,
    Column("entity", String(64), primary_key=True),
    Column("entity_id", String(64), primary_key=True),
    Column("row_hash", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
)
"""What tablets are given, as canonical JSON, written in the transaction of the change; of a work
order it stands in the order's own row."""

BUCKET_SUM = Table(
    "bucket_sum",
    METADATA,
    Column("bucket", String(80), primary_key=True),
    Column("row_count", BigInteger, nullable=False),
    Column("checksum", BigInteger, nullable=False),
)

REPLICA = Table(
    "replica",
    METADATA,
    Column("replica_id", String(64), primary_key=True),
    Column("tablet_id", String(36), nullable=False),
    Column("first_seen_at_ms", BigInteger, nullable=False),
    Column("last_n", BigInteger, nullable=False),
    Column("retired_at_ms", BigInteger),
)
"""A copy of a tablet's store; retired when two copies were seen to share it (trap T7)."""

OP_LEDGER = Table(
    "op_ledger",
    METADATA,
    Column("op_id", String(36), primary_key=True),
    Column("payload_hash", String(64), nullable=False),
    Column("tablet_id", String(36), nullable=False),
    Column("replica_id", String(64), nullable=False),
    Column("n", BigInteger, nullable=False),
    Column("group_id", String(36), nullable=False),
    Column("actor", String(64), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("entity", String(64), nullable=False),
    Column("entity_id", String(64), nullable=False),
    Column("outcome", String(10), nullable=False),
    Column("code", String(40)),
    Column("detail", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("happened_at_ms", BigInteger, nullable=False),
    Column("is_clock_suspect", Boolean, nullable=False),
    Column("received_at_ms", BigInteger, nullable=False),
    Column("boot_id", String(64)),
    Column("mono_ms", BigInteger),
    Column("field", String(16)),
    Column("is_time_doubtful", Boolean),
    Index("ix_op_ledger_replica_n", "replica_id", "n"),
    Index("ix_op_ledger_boot", "boot_id", "mono_ms"),
    Index(
        "ix_op_ledger_field",
        "entity_id",
        "field",
        sqlite_where=text("field IS NOT NULL"),
        postgresql_where=text("field IS NOT NULL"),
    ),
)
"""Permanent: one row per operation ever received, with its outcome; ids and hashes only (R7).
`field`: which of the crews' own fields took its word, null when none did. `is_time_doubtful`: its
corrected time may be off by minutes; null of what came before 0034."""

KEPT_OPERATION = Table(
    "kept_operation",
    METADATA,
    Column("op_id", String(36), primary_key=True),
    Column("payload_hash", String(64), primary_key=True),
    Column("body", Text, nullable=False),
    Column("received_at_ms", BigInteger, nullable=False),
)
"""The content of operations that were not applied as they came: nothing is thrown away."""

TOLD_BEFORE = Table(
    "told_before",
    METADATA,
    Column("op_id", String(36), primary_key=True),
    Column("told_ms", BigInteger, nullable=False),
)
"""What a former server had told (`wire_contracts.operations.WrittenPush`) of operations that wait
for their order, until they are judged, and of steps and words."""

ORDER_COPY = Table(
    "order_copy",
    METADATA,
    Column("order_id", String(36), primary_key=True),
    Column("document", Text, nullable=False),
    Column("area_id", String(64)),
    Column("as_of_ms", BigInteger, nullable=False),
    Column("tablet_id", String(36), nullable=False),
    Column("received_at_ms", BigInteger, nullable=False),
    Column("made_at_ms", BigInteger),
)
"""Orders that only tablets remember after a restore, as they were last shown one
(`wire_contracts.order_copies`). `made_at_ms`: when a person made the order again."""

REPEATED_WORK = Table(
    "repeated_work",
    METADATA,
    Column("op_id", String(36), primary_key=True),
    Column("order_id", String(36), nullable=False),
    Column("word_ms", BigInteger, nullable=False),
    Column("told_ms", BigInteger),
    Column("finished_ms", BigInteger),
    Column("body", Text),
    Index("ix_repeated_work_order", "order_id"),
)
"""What tablets repeated of orders after the last restore: the steps and words themselves, of facts
that they were there. Until the next restore an order is judged anew from it."""

ORDER_AT_RESTORE = Table(
    "order_at_restore",
    METADATA,
    Column("order_id", String(36), primary_key=True),
    Column("restored_at_ms", BigInteger, nullable=False),
    Column("cells", Text, nullable=False),
    Column("event_id", BigInteger, nullable=False),
    Column("left_cells", Text),
)
"""Orders as a restore left them, before anything was repeated: the columns that crews change and
the words of their steps as JSON, the last step. `left_cells`: how the repeats left it; null once
others changed it."""

SYNC_CONFLICT = Table(
    "sync_conflict",
    METADATA,
    Column("op_id", String(36), primary_key=True),
    Column("entity", String(64), nullable=False),
    Column("entity_id", String(64), nullable=False),
    Column("field", String(64), nullable=False),
    Column("seen_value", Text, nullable=False),
    Column("office_value", Text, nullable=False),
    Column("crew_value", Text, nullable=False),
    Column("kept", String(10), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)
"""Both words of a field that office and crew changed at once, as JSON values."""

REVIEW_ITEM = Table(
    "review_item",
    METADATA,
    Column("review_id", String(36), primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("op_id", String(36)),
    Column("entity", String(64), nullable=False),
    Column("entity_id", String(64), nullable=False),
    Column("code", String(40), nullable=False),
    Column("text_en", Text, nullable=False),
    Column("text_zh", Text, nullable=False),
    Column("owner_role", String(40), nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("due_at_ms", BigInteger, nullable=False),
    Column("resolved_at_ms", BigInteger),
    Column("resolved_by", String(80)),
    Column("resolution", Text),
    Column("choice", String(10)),
    Column("chosen_value", Text),
    Index("ix_review_item_open", "resolved_at_ms", "due_at_ms"),
    Index("ix_review_item_entity", "entity", "entity_id"),
)

SEALED_ITEM = Table(
    "sealed_item",
    METADATA,
    Column("envelope_hash", String(64), primary_key=True),
    Column("tablet_id", String(36), nullable=False),
    Column("replica_id", String(64), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("about", String(64), nullable=False),
    Column("key_id", String(16), nullable=False),
    Column("is_opened", Boolean, nullable=False),
    Column("body", Text),
    Column("received_at_ms", BigInteger, nullable=False),
    Column("size_bytes", BigInteger),
    Index("ix_sealed_item_unopened", "is_opened", "key_id"),
    Index(
        "ix_sealed_item_tablet_id_received_at_ms_size_bytes",
        "tablet_id",
        "received_at_ms",
        "size_bytes",
    ),
)
"""What came sealed: the envelope as it came while it cannot be opened, the text of a draft once it
is; an operation and a file live in their own tables. `size_bytes`: of what came."""

WATCHED_WORKER = Table(
    "watched_worker",
    METADATA,
    Column("tablet_id", String(36), primary_key=True),
    Column("op_id", String(36), nullable=False),
    Column("fact_id", String(64), nullable=False),
    Column("due_at_ms", BigInteger),
    Column("asked_id", String(36)),
)
"""The last word of each tablet about a person who works alone, by the server's clock. `due_at_ms`:
until when the next one must come; null when none must, or somebody was asked already, by the review
item `asked_id`."""

QUIET_CALL = Table(
    "quiet_call",
    METADATA,
    Column("review_id", String(36), primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
)
"""Calls of crews behind which their tablet said that all is well: nobody is rung for them any more,
the review item stays until somebody has asked."""
