"""Decides when Prometheus calls somebody, and what a page of Grafana shows of a server."""

import json
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """One rule: the expression, how long it must hold, and the chapter of the handbook."""

    name: str
    expression: str
    for_: str
    severity: str
    summary: str


def _mean(name: str, span: str) -> str:
    """Return the expression of a histogram's mean over a span."""
    return f"rate({name}_sum[{span}]) / rate({name}_count[{span}])"


RULES: Sequence[AlertRule] = (
    AlertRule(
        name="LamplighterDown",
        expression='up{job="lamplighter"} == 0',
        for_="2m",
        severity="page",
        summary="The server does not answer.",
    ),
    AlertRule(
        name="LamplighterBrokerLost",
        expression="lamplighter_broker_connected == 0",
        for_="5m",
        severity="page",
        summary="The server has no connection to the broker; gateways keep their readings.",
    ),
    AlertRule(
        name="LamplighterNothingStored",
        expression="time() - lamplighter_ingest_newest_committed_timestamp_seconds > 1800",
        for_="5m",
        severity="page",
        summary="No reading was stored for half an hour.",
    ),
    AlertRule(
        name="LamplighterIngestBehind",
        expression="lamplighter_ingest_waiting_messages > 2000",
        for_="15m",
        severity="ticket",
        summary="Messages come in faster than they are stored.",
    ),
    AlertRule(
        name="LamplighterSlowCommits",
        expression=_mean("lamplighter_ingest_commit_seconds", "10m") + " > 1",
        for_="15m",
        severity="ticket",
        summary="A transaction of the ingest takes more than a second: look at the disk.",
    ),
    AlertRule(
        name="LamplighterRefusedFrames",
        expression='increase(lamplighter_ingest_frames_total{outcome="refused"}[1h]) > 100',
        for_="0m",
        severity="ticket",
        summary="Frames are kept aside: look at the page Gateways for unknown devices.",
    ),
    AlertRule(
        name="LamplighterUnreadablePayloads",
        expression="increase(lamplighter_ingest_payloads_refused_total[1h]) > 0",
        for_="0m",
        severity="ticket",
        summary="Something that is no gateway of ours speaks at the broker.",
    ),
    AlertRule(
        name="LamplighterSlowDetection",
        expression=_mean("lamplighter_detection_seconds", "3h") + " > 1800",
        for_="0m",
        severity="ticket",
        summary="One look of the detectors takes more than half an hour.",
    ),
    AlertRule(
        name="LamplighterNoDetection",
        expression="time() - max(lamplighter_detection_newest_good_timestamp_seconds) > 8100",
        for_="5m",
        severity="page",
        summary="The detectors have not looked at the meters for 2 h 15 min: no leak is found.",
    ),
)

PANELS: Sequence[tuple[str, str]] = (
    ("Frames a second, by outcome", "rate(lamplighter_ingest_frames_total[5m])"),
    ("Messages that wait", "lamplighter_ingest_waiting_messages"),
    (
        "Seconds of a transaction",
        _mean("lamplighter_ingest_commit_seconds", "5m"),
    ),
    (
        "Seconds since something was stored",
        "time() - lamplighter_ingest_newest_committed_timestamp_seconds",
    ),
    ("Broker connected", "lamplighter_broker_connected"),
    (
        "Seconds of one look of the detectors",
        _mean("lamplighter_detection_seconds", "3h"),
    ),
)


def alert_rules() -> str:
    """Return the rules as Prometheus reads them (YAML, of which JSON is a part)."""
    rules = [
        {
            "alert": each.name,
            "expr": each.expression,
            "for": each.for_,
            "labels": {"severity": each.severity},
            "annotations": {"summary": each.summary, "handbook": "docs/operate.md"},
        }
        for each in RULES
    ]
    groups = {"groups": [{"name": "lamplighter", "rules": rules}]}
    return json.dumps(groups, indent=2) + "\n"


def grafana_page() -> str:
    """Return a dashboard for Grafana's import."""
    panels = [
        {
            "type": "timeseries",
            "title": title,
            "gridPos": {"h": 8, "w": 12, "x": number % 2 * 12, "y": number // 2 * 8},
            "targets": [{"refId": "A", "expr": expression}],
        }
        for number, (title, expression) in enumerate(PANELS)
    ]
    page = {
        "title": "Lamplighter",
        "uid": "lamplighter",
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-24h", "to": "now"},
        "panels": panels,
    }
    return json.dumps(page, indent=2) + "\n"
