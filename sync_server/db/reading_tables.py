"""The tables of the readings: ledger, wide readings, latest, hourly, and what could not be used.

The hot tables have no foreign keys: a reading of a meter that was removed is still a reading.
"""

from sqlalchemy import BigInteger, Column, Float, Index, LargeBinary, String, Table, Text

from sync_server.db.metadata import METADATA, SENT_AS_BYTES, running_number
from wire_contracts.quantities import Quantity

FRAME_LEDGER = Table(
    "frame_ledger",
    METADATA,
    Column("gateway_id", String(32), primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("payload_hash", BigInteger, nullable=False),
    Column("refused_code", String(40), nullable=True),
    sqlite_with_rowid=False,
    info={SENT_AS_BYTES: True},
)
"""Frames taken (RULINGS R2), those in `frame_run` aside; `refused_code` when it is in quarantine.
How long entries stay is a policy (ADR 0032)."""

FRAME_RUN = Table(
    "frame_run",
    METADATA,
    Column("gateway_id", String(32), primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("first_seq", BigInteger, primary_key=True),
    Column("last_seq", BigInteger, nullable=False),
    Column("hashes", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
    info={SENT_AS_BYTES: True},
)
"""Frames taken one behind another, of which `frame_ledger` has none: at most 50, 8 bytes of hash
(big-endian, signed) for each, ascending (ADR 0036)."""

FRAME_EPOCH = Table(
    "frame_epoch",
    METADATA,
    Column("gateway_id", String(32), primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("upto", BigInteger, nullable=False),
    Column("ranges", Text, nullable=False),
    Column("received_at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""The acknowledgement of each epoch (RULINGS R3), kept in the transaction of its frames."""

FRAME_MARK = Table(
    "frame_mark",
    METADATA,
    Column("gateway_id", String(32), primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("marked_at_ms", BigInteger, primary_key=True),
    Column("upto", BigInteger, nullable=False),
)
"""How far an epoch was complete at a moment: the ledger's entries up to there are as old."""

FRAME_GAP = Table(
    "frame_gap",
    METADATA,
    Column("gateway_id", String(32), primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("first_seq", BigInteger, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("lost_count", BigInteger, nullable=False),
    Column("why", String(200), nullable=False),
    Column("received_at_ms", BigInteger, nullable=False),
)

FRAME_CLONE = Table(
    "frame_clone",
    METADATA,
    Column("gateway_id", String(32), primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("payload_hash", BigInteger, primary_key=True),
    Column("received_at_ms", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)
"""The same (gateway, epoch, seq) with other content: a cloned card or a replaced box."""

READING = Table(
    "reading",
    METADATA,
    Column("meter_id", String(40), primary_key=True),
    Column("measured_at_ms", BigInteger, primary_key=True),
    *(Column(str(quantity), Float, nullable=True) for quantity in Quantity),
    Column("quality", Text, nullable=True),
    Column("profile", String(80), nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("older_revisions", Text, nullable=True),
    Column("time_quality", String(16), nullable=True),
    Column("raw", LargeBinary, nullable=True),
    sqlite_with_rowid=False,
    info={SENT_AS_BYTES: True},
)
"""One row per meter and instant. `quality`: JSON, quantity to code where not good. `revision`:
the highest profile revision in the row; `older_revisions`: JSON, quantity to revision where a
column came from a lower one. `time_quality`: None is sane. `raw`: groups, see `raw_words`."""

READING_LATEST = Table(
    "reading_latest",
    METADATA,
    Column("meter_id", String(40), primary_key=True),
    Column("measured_at_ms", BigInteger, nullable=False),
    Column("valued_at_ms", BigInteger, nullable=True),
    Column("gateway_id", String(32), nullable=False),
    Column("state", Text, nullable=False),
    Index(None, "gateway_id"),
    sqlite_with_rowid=False,
    info={SENT_AS_BYTES: True},
)
"""Newest instant of a meter, newest instant that carried a value, the gateway that brought the
newest instant, and `state`: JSON, quantity to [value or null, measured_at_ms, code or null]."""

READING_HOURLY = Table(
    "reading_hourly",
    METADATA,
    Column("meter_id", String(40), primary_key=True),
    Column("hour_at_ms", BigInteger, primary_key=True),
    Column("quantity", String(20), nullable=True),
    Column("first_at_ms", BigInteger, nullable=True),
    Column("first_m3", Float, nullable=True),
    Column("last_at_ms", BigInteger, nullable=True),
    Column("last_m3", Float, nullable=True),
    Column("flow_min_m3h", Float, nullable=True),
    Column("flow_max_m3h", Float, nullable=True),
    Column("reading_count", BigInteger, nullable=False),
    Column("worst_quality", String(24), nullable=True),
    sqlite_with_rowid=False,
    info={SENT_AS_BYTES: True},
)
"""Per meter and hour (UTC): the totaliser at its first and last reading and the range of the
instantaneous flow, all of one `quantity` (gas: base volume where there is one, RULINGS R9), and the
worst quality of any quantity, None where all were good (or the hour is older than schema 0035)."""

READING_DAILY = Table(
    "reading_daily",
    METADATA,
    Column("meter_id", String(40), primary_key=True),
    Column("day_at_ms", BigInteger, primary_key=True),
    Column("quantity", String(20), nullable=True),
    Column("first_at_ms", BigInteger, nullable=True),
    Column("first_m3", Float, nullable=True),
    Column("last_at_ms", BigInteger, nullable=True),
    Column("last_m3", Float, nullable=True),
    Column("volume_m3", Float, nullable=True),
    Column("flow_min_m3h", Float, nullable=True),
    Column("flow_max_m3h", Float, nullable=True),
    Column("reading_count", BigInteger, nullable=False),
    Column("worst_quality", String(24), nullable=True),
    sqlite_with_rowid=False,
)
"""Per meter and day of the site, from its midnight: what is left when the hours have left. Columns
as of an hour; `volume_m3` is last less first, None where the register fell in between."""

READING_ARCHIVE = Table(
    "reading_archive",
    METADATA,
    Column("day_at_ms", BigInteger, primary_key=True),
    Column("part", BigInteger, primary_key=True),
    Column("file", String(120), nullable=False),
    Column("row_count", BigInteger, nullable=False),
    Column("byte_count", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("archived_at_ms", BigInteger, nullable=False),
)
"""The Parquet files of each day (UTC), below the archive's folder. A later part of a day holds what
came late, and counts before an earlier one."""

READING_CORRECTION = Table(
    "reading_correction",
    METADATA,
    Column("meter_id", String(40), primary_key=True),
    Column("measured_at_ms", BigInteger, primary_key=True),
    Column("quantity", String(20), primary_key=True),
    Column("revision", BigInteger, primary_key=True),
    Column("value", Float, nullable=True),
    Column("quality", String(24), nullable=True),
)
"""What a higher profile revision replaced (RULINGS R2)."""

READING_CONFLICT = Table(
    "reading_conflict",
    METADATA,
    Column("gateway_id", String(32), primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("payload_hash", BigInteger, primary_key=True),
    Column("meter_id", String(40), nullable=False),
    Column("measured_at_ms", BigInteger, nullable=False),
    Column("received_at_ms", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)
"""Frames that say another value than the one stored, at no higher revision (RULINGS R2)."""

QUARANTINE = Table(
    "quarantine",
    METADATA,
    Column("quarantine_id", running_number(), primary_key=True, autoincrement=True),
    Column("gateway_id", String(32), nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("payload_hash", BigInteger, nullable=False),
    Column("device_serial", String(64), nullable=True),
    Column("measured_at_ms", BigInteger, nullable=True),
    Column("code", String(40), nullable=False),
    Column("reason", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("received_at_ms", BigInteger, nullable=False),
    Column("seen_count", BigInteger, nullable=False),
    Column("adopted_at_ms", BigInteger, nullable=True),
    Index(None, "gateway_id", "epoch", "seq", "payload_hash", unique=True),
    Index(None, "device_serial"),
    sqlite_autoincrement=True,
)
"""What could not be used, verbatim; epoch 0 and seq 0 stand for a whole MQTT payload."""

QUALITY_EVENT = Table(
    "quality_event",
    METADATA,
    Column("event_id", running_number(), primary_key=True, autoincrement=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("kind", String(24), nullable=False),
    Column("gateway_id", String(32), nullable=True),
    Column("meter_id", String(40), nullable=True),
    Column("detail", Text, nullable=False),
    Index(None, "at_ms"),
    sqlite_autoincrement=True,
)

METER_EVENT = Table(
    "meter_event",
    METADATA,
    Column("meter_id", String(40), primary_key=True),
    Column("measured_at_ms", BigInteger, primary_key=True),
    Column("event", String(64), primary_key=True),
)
"""Canonical events that the meter's status registers reported."""
