"""Writes what crews found as benchmark cases: label, evidence and readings, without a person."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import orjson
from sqlalchemy import Connection, Engine, Row, select

from sync_server.db.alert_tables import ALERT
from sync_server.db.asset_tables import METER
from sync_server.db.engine_io import reading
from sync_server.db.reading_tables import READING
from sync_server.trials.trial_errors import TrialError
from wire_contracts.frames import utc_from_ms
from wire_contracts.quantities import Quantity

BEFORE = timedelta(days=60)
AFTER = timedelta(days=7)
"""Readings of two months before the start and a week after the finding: what a detector needs."""

_QUANTITIES = tuple(Quantity)


def export_cases(engine: Engine, path: Path) -> int:
    """Return how many labelled alerts were written, one JSON line each.

    Raises:
        TrialError: The file cannot be written.
    """
    part = path.with_name(path.name + ".part")
    count = 0
    try:
        with reading(engine) as connection, part.open("wb") as file:
            for line in _cases(connection):
                file.write(line)
                count += 1
        part.replace(path)
    except OSError as error:
        raise TrialError(f"{path}: file: cannot be written ({error}); choose another") from error
    return count


def _cases(connection: Connection) -> Iterator[bytes]:
    rows = connection.execute(
        select(ALERT, METER.c.meter_class, METER.c.interval_s)
        .join(METER, METER.c.meter_id == ALERT.c.meter_id)
        .where(ALERT.c.finding_result.is_not(None))
        .order_by(ALERT.c.finding_at_ms, ALERT.c.alert_id)
    ).all()
    for row in rows:
        yield orjson.dumps(_case(connection, row), option=orjson.OPT_SORT_KEYS) + b"\n"


def _case(connection: Connection, row: Row[tuple[str]]) -> dict[str, object]:
    return {
        "alert": row.alert_id,
        "meter": row.meter_id,
        "medium": row.medium,
        "meter_class": row.meter_class,
        "interval_s": row.interval_s,
        "kind": row.kind,
        "rule": row.rule,
        "rule_version": row.rule_version,
        "start": utc_from_ms(row.started_at_ms).isoformat(),
        "detected_at": utc_from_ms(row.detected_at_ms).isoformat(),
        "found_at": utc_from_ms(row.finding_at_ms).isoformat(),
        "score": row.score,
        "result": row.finding_result,
        "has_evidence": row.finding_has_evidence,
        "label": row.label,
        "evidence": orjson.loads(row.evidence),
        "readings": _readings(connection, row),
    }


def _readings(connection: Connection, row: Row[tuple[str]]) -> dict[str, list[object]]:
    """Return columns: `ts` and every quantity that the meter told in the span."""
    from_ms = row.started_at_ms - BEFORE // timedelta(milliseconds=1)
    to_ms = row.finding_at_ms + AFTER // timedelta(milliseconds=1)
    found = connection.execute(
        select(READING.c.measured_at_ms, *(READING.c[str(name)] for name in _QUANTITIES))
        .where(
            READING.c.meter_id == row.meter_id,
            READING.c.measured_at_ms >= from_ms,
            READING.c.measured_at_ms < to_ms,
        )
        .order_by(READING.c.measured_at_ms)
    ).all()
    columns: dict[str, list[object]] = {"ts": [each[0] for each in found]}
    for at, name in enumerate(_QUANTITIES, start=1):
        values = [each[at] for each in found]
        if any(value is not None for value in values):
            columns[str(name)] = values
    return columns
