"""Maps the reports of buckets that do not add up: noted at once, told where it lasts."""

import json
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from field_app.store import settings_store
from field_app.store.base_store import Mismatch, add_report
from field_app.store.settings_store import Key
from field_app.store.tables import base_row, sync_report
from wire_contracts.fields import JsonObject, JsonValue
from wire_contracts.payloads import dump_json
from wire_contracts.sealed import ROWS_DIFFER

_KIND = "bucket_mismatch"
_LASTING = "is_lasting"
_BECAME = "office"
"""What became of the report: the name under which the server has it, or why not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MismatchReport:
    """A bucket that a whole fresh pass did not repair; the office has not heard of it.

    Attributes:
        body: `kind`, `bucket`, and `count` and `checksum` of `ours` and `theirs`.
        manifest: (entity, id, sequence, hash) of every row here.
    """

    report_id: int
    body: JsonObject
    manifest: JsonValue


def broken_buckets(connection: Connection) -> frozenset[str]:
    """Return the buckets that do not add up; a number is an earlier app's count."""
    known = json.loads(settings_store.load_text(connection, Key.PULL_REPAIRS) or "[]")
    return frozenset(str(name) for name in known) if isinstance(known, list) else frozenset()


def save_broken(connection: Connection, names: Collection[str]) -> None:
    """Keep which buckets do not add up."""
    text = json.dumps(sorted(names)) if names else None
    settings_store.save(connection, Key.PULL_REPAIRS, text)


def report_mismatch(connection: Connection, mismatch: Mismatch, at_ms: int) -> None:
    """Keep the manifest (ids and hashes) of a bucket that does not add up, for the developers."""
    add_report(connection, _KIND, _body_of(connection, mismatch), at_ms)


def report_lasting(connection: Connection, mismatch: Mismatch, at_ms: int) -> None:
    """Note, once, that a whole fresh pass did not repair a bucket: the office is told."""
    for report_id, body in reversed(_reports(connection)):
        if body.get("bucket") == mismatch.bucket:
            if not body.get(_LASTING):
                _save(connection, report_id, {**_body_of(connection, mismatch), _LASTING: True})
            return
    add_report(connection, _KIND, {**_body_of(connection, mismatch), _LASTING: True}, at_ms)


def _body_of(connection: Connection, mismatch: Mismatch) -> JsonObject:
    rows = connection.execute(
        select(base_row.c.entity, base_row.c.entity_id, base_row.c.seq, base_row.c.row_hash)
        .where(base_row.c.bucket == mismatch.bucket)
        .order_by(base_row.c.entity, base_row.c.entity_id)
    ).all()
    manifest: list[JsonValue] = [[row.entity, row.entity_id, row.seq, row.row_hash] for row in rows]
    return {
        "bucket": mismatch.bucket,
        "ours": {"count": mismatch.ours.count, "checksum": mismatch.ours.checksum},
        "theirs": {"count": mismatch.theirs.count, "checksum": mismatch.theirs.checksum},
        "manifest": manifest,
    }


def count_lasting(connection: Connection) -> int:
    """Return how many buckets do not add up though a whole fresh pass was made."""
    broken = broken_buckets(connection)
    if not broken:
        return 0
    newest = {str(body["bucket"]): body for _, body in _reports(connection)}
    return sum(bool(newest.get(name, {}).get(_LASTING)) for name in broken)


def unsent(connection: Connection) -> list[MismatchReport]:
    """Return the lasting mismatches that the office has not heard of, the oldest first."""
    return [
        MismatchReport(
            report_id=report_id,
            body={"kind": ROWS_DIFFER, **{name: body[name] for name in _TOLD}},
            manifest=body["manifest"],
        )
        for report_id, body in _reports(connection)
        if body.get(_LASTING) and _BECAME not in body
    ]


_TOLD = ("bucket", "ours", "theirs")


def note_sent(connection: Connection, report_id: int, became: str) -> None:
    """Keep what became of a report."""
    for each, body in _reports(connection):
        if each == report_id:
            _save(connection, report_id, {**body, _BECAME: became})


def _reports(connection: Connection) -> list[tuple[int, JsonObject]]:
    mine = select(sync_report.c.report_id, sync_report.c.body).where(sync_report.c.kind == _KIND)
    rows = connection.execute(mine.order_by(sync_report.c.report_id)).all()
    return [(row.report_id, json.loads(row.body)) for row in rows]


def _save(connection: Connection, report_id: int, body: JsonObject) -> None:
    mine = sync_report.c.report_id == report_id
    connection.execute(update(sync_report).where(mine).values(body=dump_json(body).decode()))
