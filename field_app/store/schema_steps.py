"""Owns how the file's shape came to be: numbered steps, forward only, the last is the present.

Tables that hold the crew's words (`outbox_op`, `draft_answer`, `photo_job`, `photo_link`,
`sealed_item`) only ever gain columns.
"""

from collections.abc import Sequence

Step = Sequence[str]

_FIRST: Step = (
    "CREATE TABLE setting (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)",
    """CREATE TABLE bucket (
        name TEXT NOT NULL PRIMARY KEY, row_count INTEGER NOT NULL, checksum INTEGER NOT NULL)""",
    """CREATE TABLE base_row (
        bucket TEXT NOT NULL, entity TEXT NOT NULL, entity_id TEXT NOT NULL, seq INTEGER NOT NULL,
        row_hash INTEGER NOT NULL, is_stale INTEGER NOT NULL, document TEXT NOT NULL,
        PRIMARY KEY (bucket, entity, entity_id))""",
    "CREATE INDEX base_row_by_id ON base_row (entity, entity_id)",
    """CREATE TABLE outbox_op (
        op_id TEXT NOT NULL PRIMARY KEY, n INTEGER NOT NULL UNIQUE, group_id TEXT NOT NULL,
        order_id TEXT NOT NULL, entity TEXT NOT NULL, entity_id TEXT NOT NULL, body TEXT NOT NULL,
        status TEXT NOT NULL, is_repeat INTEGER NOT NULL, made_at_ms INTEGER NOT NULL,
        outcome TEXT, code TEXT, detail TEXT NOT NULL, ack_seq INTEGER NOT NULL,
        acked_round INTEGER NOT NULL, acked_at_ms INTEGER NOT NULL, look INTEGER NOT NULL)""",
    "CREATE INDEX outbox_op_by_status ON outbox_op (status, n)",
    "CREATE INDEX outbox_op_by_order ON outbox_op (order_id, n)",
    """CREATE TABLE draft_answer (
        order_id TEXT NOT NULL, form TEXT NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL,
        actor TEXT NOT NULL, saved_at_ms INTEGER NOT NULL, PRIMARY KEY (order_id, form, field))""",
    """CREATE TABLE photo_job (
        sha256 TEXT NOT NULL PRIMARY KEY, order_id TEXT NOT NULL, size_bytes INTEGER NOT NULL,
        sent_bytes INTEGER NOT NULL, is_done INTEGER NOT NULL)""",
    "CREATE INDEX photo_job_by_order ON photo_job (order_id)",
    """CREATE TABLE sync_report (
        report_id INTEGER NOT NULL PRIMARY KEY, at_ms INTEGER NOT NULL, kind TEXT NOT NULL,
        body TEXT NOT NULL)""",
    """CREATE TABLE order_view (
        order_id TEXT NOT NULL PRIMARY KEY, number TEXT NOT NULL, state TEXT NOT NULL,
        medium TEXT NOT NULL, safety_class TEXT NOT NULL, priority INTEGER NOT NULL,
        due_at_ms INTEGER, title_en TEXT NOT NULL, title_zh TEXT NOT NULL, address TEXT NOT NULL,
        search TEXT NOT NULL, is_open INTEGER NOT NULL, is_gone INTEGER NOT NULL,
        has_draft INTEGER NOT NULL, mark TEXT NOT NULL, problem TEXT NOT NULL)""",
    "CREATE INDEX order_view_by_rank ON order_view (is_open, safety_class, due_at_ms, priority)",
)

_SECOND: Step = (
    # photos: what a blob is, how its upload stands, which records it belongs to
    "ALTER TABLE photo_job ADD COLUMN role TEXT NOT NULL DEFAULT 'photo'",
    "ALTER TABLE photo_job ADD COLUMN mime TEXT NOT NULL DEFAULT 'image/jpeg'",
    "ALTER TABLE photo_job ADD COLUMN status TEXT NOT NULL DEFAULT 'queued'",
    "ALTER TABLE photo_job ADD COLUMN is_wanted INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE photo_job ADD COLUMN chunk_bytes INTEGER NOT NULL DEFAULT 65536",
    "ALTER TABLE photo_job ADD COLUMN error TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE photo_job ADD COLUMN made_at_ms INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE photo_job ADD COLUMN done_at_ms INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE photo_job ADD COLUMN is_file_gone INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX photo_job_by_status ON photo_job (status, size_bytes)",
    """CREATE TABLE photo_link (
        fact_id TEXT NOT NULL PRIMARY KEY, order_id TEXT NOT NULL, sha256 TEXT NOT NULL,
        thumb_sha256 TEXT, role TEXT NOT NULL, made_at_ms INTEGER NOT NULL)""",
    "CREATE INDEX photo_link_by_order ON photo_link (order_id, made_at_ms)",
    "CREATE INDEX photo_link_by_blob ON photo_link (sha256)",
    # what is unsent, readable by the server alone (RULINGS R4)
    """CREATE TABLE sealed_item (
        kind TEXT NOT NULL, about TEXT NOT NULL, owner TEXT NOT NULL, envelope TEXT NOT NULL,
        made_at_ms INTEGER NOT NULL, is_alone INTEGER NOT NULL,
        PRIMARY KEY (kind, about, owner))""",
    "CREATE INDEX sealed_item_alone ON sealed_item (is_alone, made_at_ms)",
    "ALTER TABLE sealed_item ADD COLUMN acked_at_ms INTEGER NOT NULL DEFAULT 0",
    # rows are looked for by their thing: one index does for that and for the key, and a pull
    # writes a third less
    """CREATE TABLE base_row_by_thing (
        bucket TEXT NOT NULL, entity TEXT NOT NULL, entity_id TEXT NOT NULL, seq INTEGER NOT NULL,
        row_hash INTEGER NOT NULL, is_stale INTEGER NOT NULL, document TEXT NOT NULL,
        PRIMARY KEY (entity, entity_id, bucket))""",
    "INSERT INTO base_row_by_thing SELECT * FROM base_row",
    "DROP TABLE base_row",
    "ALTER TABLE base_row_by_thing RENAME TO base_row",
    # the end of every pull asks for stale rows: nearly always there are none among thousands
    "CREATE INDEX base_row_stale ON base_row (bucket) WHERE is_stale = 1",
    # where an order is, for the way to the next one
    "ALTER TABLE order_view ADD COLUMN x_m REAL",
    "ALTER TABLE order_view ADD COLUMN y_m REAL",
    # the status line asks whether something needs eyes: few do among 90 days of history
    "CREATE INDEX outbox_op_look ON outbox_op (n) WHERE look = 1",
    # sealed taps leave in the order in which they were made, whole actions together
    "ALTER TABLE sealed_item ADD COLUMN n INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE sealed_item ADD COLUMN group_id TEXT NOT NULL DEFAULT ''",
    # what the office decided about it, for its author
    "ALTER TABLE outbox_op ADD COLUMN decision TEXT NOT NULL DEFAULT ''",
    # a restored server is told what the former one had said, sealed or not
    "ALTER TABLE sealed_item ADD COLUMN told_ms INTEGER",
    "ALTER TABLE outbox_op ADD COLUMN taken_at_ms INTEGER NOT NULL DEFAULT 0",
    # a photo that fails at every contact lets the others pass
    "ALTER TABLE photo_job ADD COLUMN failed_count INTEGER NOT NULL DEFAULT 0",
    # how old an answer is, and what it came after, whatever was done to the wall clock
    "ALTER TABLE draft_answer ADD COLUMN elapsed_ms INTEGER",
    "ALTER TABLE draft_answer ADD COLUMN boot_id TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE draft_answer ADD COLUMN after_n INTEGER",
    "ALTER TABLE draft_answer ADD COLUMN turn INTEGER",
    # orders that a restored server may have forgotten, as they were shown here
    """CREATE TABLE order_copy (
        order_id TEXT NOT NULL PRIMARY KEY, document TEXT NOT NULL, area_id TEXT,
        as_of_ms INTEGER NOT NULL, is_told INTEGER NOT NULL)""",
)

STEPS: Sequence[Step] = (_FIRST, _SECOND)
"""Step i leads from `PRAGMA user_version` i to i + 1; a released step is never changed."""
