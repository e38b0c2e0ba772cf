"""Decides how alerts read in the scoring format: one JSON line each, the same for every run."""

from collections.abc import Iterable, Iterator

import orjson

from sync_server.alerts.alert import AlertRecord
from wire_contracts.evidence import Evidence
from wire_contracts.fields import JsonValue


def alert_lines(alerts: Iterable[AlertRecord]) -> Iterator[bytes]:
    """Yield one line per alert that a control room has seen, in the order in which it came."""
    shown = [alert for alert in alerts if alert.retracted_at_utc is None]
    for alert in sorted(shown, key=_place):
        line: dict[str, JsonValue] = {
            "meter": alert.meter_id,
            "kind": str(alert.kind),
            "start": alert.started_at_utc.isoformat(),
            "detected_at": alert.detected_at_utc.isoformat(),
            "score": round(alert.score, 4),
            "end": None if alert.ended_at_utc is None else alert.ended_at_utc.isoformat(),
            "rule": alert.rule,
            "rule_version": alert.rule_version,
            "evidence": _evidence(alert.evidence),
        }
        yield orjson.dumps(line, option=orjson.OPT_SORT_KEYS) + b"\n"


def _place(alert: AlertRecord) -> tuple[object, ...]:
    return (
        alert.detected_at_utc,
        alert.meter_id,
        str(alert.kind),
        alert.started_at_utc,
        -alert.score,
    )


def _evidence(evidence: Evidence) -> dict[str, JsonValue]:
    """Return what explains the alert in numbers: observed, expected, limit, effect, words."""
    observed, expected, statistic = evidence.numbers[:3]
    return {
        "observed": observed.value,
        "expected": expected.value,
        "unit": observed.unit,
        "from": evidence.rule_from_utc.isoformat(),
        "to": evidence.rule_to_utc.isoformat(),
        "statistic": statistic.value,
        "threshold": statistic.limit,
        "sentence": evidence.sentence.en,
        "effects": [[each.name.en, each.value, each.unit] for each in evidence.effects],
        "points": len(evidence.points),
    }
