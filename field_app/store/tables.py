"""Owns the tables of the tablet's file as SQLAlchemy Core sees them; schema_steps makes them."""

from sqlalchemy import Column, Float, Index, Integer, MetaData, PrimaryKeyConstraint, Table, Text

METADATA = MetaData()

setting = Table(
    "setting",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

bucket = Table(
    "bucket",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("row_count", Integer, nullable=False),
    Column("checksum", Integer, nullable=False),
)

base_row = Table(
    "base_row",
    METADATA,
    Column("bucket", Text, nullable=False),
    Column("entity", Text, nullable=False),
    Column("entity_id", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("row_hash", Integer, nullable=False),
    Column("is_stale", Integer, nullable=False),
    Column("document", Text, nullable=False),
    PrimaryKeyConstraint("entity", "entity_id", "bucket"),
)
Index("base_row_stale", base_row.c.bucket, sqlite_where=base_row.c.is_stale == 1)

outbox_op = Table(
    "outbox_op",
    METADATA,
    Column("op_id", Text, primary_key=True),
    Column("n", Integer, nullable=False, unique=True),
    Column("group_id", Text, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("entity", Text, nullable=False),
    Column("entity_id", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("is_repeat", Integer, nullable=False),
    Column("made_at_ms", Integer, nullable=False),
    Column("outcome", Text),
    Column("code", Text),
    Column("detail", Text, nullable=False),
    Column("ack_seq", Integer, nullable=False),
    Column("acked_round", Integer, nullable=False),
    Column("acked_at_ms", Integer, nullable=False),
    Column("look", Integer, nullable=False),
    Column("decision", Text, nullable=False, server_default=""),
    Column("taken_at_ms", Integer, nullable=False, server_default="0"),
    Index("outbox_op_by_status", "status", "n"),
    Index("outbox_op_by_order", "order_id", "n"),
)
Index("outbox_op_look", outbox_op.c.n, sqlite_where=outbox_op.c.look == 1)

draft_answer = Table(
    "draft_answer",
    METADATA,
    Column("order_id", Text, primary_key=True),
    Column("form", Text, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("saved_at_ms", Integer, nullable=False),
    Column("elapsed_ms", Integer),
    Column("boot_id", Text, nullable=False, server_default=""),
    Column("after_n", Integer),
    Column("turn", Integer),
)
"""The last four say when it was kept whatever the wall says (`saved_at.SavedAt`): by the clock of
the boot, after which operation, as the how manyth answer."""

photo_job = Table(
    "photo_job",
    METADATA,
    Column("sha256", Text, primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("sent_bytes", Integer, nullable=False),
    Column("is_done", Integer, nullable=False),
    Column("role", Text, nullable=False, server_default="photo"),
    Column("mime", Text, nullable=False, server_default="image/jpeg"),
    Column("status", Text, nullable=False, server_default="queued"),
    Column("is_wanted", Integer, nullable=False, server_default="0"),
    Column("chunk_bytes", Integer, nullable=False, server_default="65536"),
    Column("error", Text, nullable=False, server_default=""),
    Column("made_at_ms", Integer, nullable=False, server_default="0"),
    Column("done_at_ms", Integer, nullable=False, server_default="0"),
    Column("is_file_gone", Integer, nullable=False, server_default="0"),
    Column("failed_count", Integer, nullable=False, server_default="0"),
    Index("photo_job_by_order", "order_id"),
    Index("photo_job_by_status", "status", "size_bytes"),
)
"""One row per blob of this tablet: a photo, its thumb, a signature, and how its upload stands."""

photo_link = Table(
    "photo_link",
    METADATA,
    Column("fact_id", Text, primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("thumb_sha256", Text),
    Column("role", Text, nullable=False),
    Column("made_at_ms", Integer, nullable=False),
    Index("photo_link_by_order", "order_id", "made_at_ms"),
    Index("photo_link_by_blob", "sha256"),
)
"""Which record a blob belongs to: one blob may have many."""

sealed_item = Table(
    "sealed_item",
    METADATA,
    Column("kind", Text, primary_key=True),
    Column("about", Text, primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("envelope", Text, nullable=False),
    Column("made_at_ms", Integer, nullable=False),
    Column("is_alone", Integer, nullable=False),
    Column("acked_at_ms", Integer, nullable=False, server_default="0"),
    Column("n", Integer, nullable=False, server_default="0"),
    Column("group_id", Text, nullable=False, server_default=""),
    Column("told_ms", Integer),
    Index("sealed_item_alone", "is_alone", "made_at_ms"),
)
"""What is unsent, sealed to the server; `is_alone` when the readable words were wiped.

`acked_at_ms`: the server's clock when it had it, 0 before; kept for a restored server (R1). `n` and
`group_id` are the operation's, so that sealed taps leave as a push sends them; 0 and empty of what
is no operation. `told_ms`: what a server had told of it (`wire_contracts.operations.WrittenPush`),
null while none has."""

sync_report = Table(
    "sync_report",
    METADATA,
    Column("report_id", Integer, primary_key=True),
    Column("at_ms", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),
)

order_copy = Table(
    "order_copy",
    METADATA,
    Column("order_id", Text, primary_key=True),
    Column("document", Text, nullable=False),
    Column("area_id", Text),
    Column("as_of_ms", Integer, nullable=False),
    Column("is_told", Integer, nullable=False),
)
"""Orders that a fresh pass did not confirm: a restored server may have lost them."""

order_view = Table(
    "order_view",
    METADATA,
    Column("order_id", Text, primary_key=True),
    Column("number", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("medium", Text, nullable=False),
    Column("safety_class", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("due_at_ms", Integer),
    Column("title_en", Text, nullable=False),
    Column("title_zh", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("search", Text, nullable=False),
    Column("is_open", Integer, nullable=False),
    Column("is_gone", Integer, nullable=False),
    Column("has_draft", Integer, nullable=False),
    Column("mark", Text, nullable=False),
    Column("problem", Text, nullable=False),
    Column("x_m", Float),
    Column("y_m", Float),
    Index("order_view_by_rank", "is_open", "safety_class", "due_at_ms", "priority"),
)
