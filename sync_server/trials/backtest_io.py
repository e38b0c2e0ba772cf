"""Runs the rules over stored readings; live alerts and the live memory are only read."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, select

from sync_server.batch.runner import Done, Runner
from sync_server.db.alert_tables import ALERT
from sync_server.db.engine_io import reading
from sync_server.detection.alerting.alert_book import AlertBook, Change, decide_alerts
from sync_server.detection.meters.candidates import RULES_VERSION, Candidate
from sync_server.detection.meters.fleet import Fleet, fleet_of
from sync_server.detection.watch.fleet_store import converting_meters, load_specs
from sync_server.detection.watch.history_run_store import PastWanted, live_fleet
from sync_server.trials.backtest import Comparison, TrialAlert, compare
from sync_server.trials.trial_errors import refused
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.kinds import Kind, Label

WARM_UP = timedelta(days=400)
"""How long before its first day a back-test reads, to learn: a heating season and more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestOrder:
    """From when to when, and which rules; none: all of them."""

    from_utc: datetime
    to_utc: datetime
    rules: Collection[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """What came of it; `rules` are those that spoke at all, with their version.

    `reading_count`: how many readings were judged, those to learn from among them. `oldest_utc`:
    the first reading that the database still has of any meter, None when it has none; what has left
    for the archive is not judged.
    """

    comparison: Comparison
    meter_days: float
    rules_version: str
    rules: Sequence[str]
    reading_count: int
    oldest_utc: datetime | None


def backtest(engine: Engine, order: BacktestOrder, runner: Runner, done: Done) -> Backtest:
    """Return what the rules say of the stored readings, beside the alerts that were live.

    Whichever runner does it, the result is the same.

    Raises:
        TrialError: The span is empty, or a rule is not known.
        BatchError: The runner's workers cannot do it.
    """
    if order.from_utc >= order.to_utc:
        raise refused("backtest", "--to", "is not after --from", "give a later time")
    with reading(engine) as connection:
        fleet = fleet_of(load_specs(connection))
        wanted = PastWanted(
            fleet=fleet,
            with_base=converting_meters(connection),
            from_ms=ms_from_utc(order.from_utc - WARM_UP),
            to_ms=ms_from_utc(order.to_utc),
        )
        past = live_fleet(engine, connection, wanted, (runner, done))
        candidates = past.candidates
        spoke = sorted({each.rule for each in candidates})
        unknown = sorted(set(order.rules) - set(spoke) - _live_rules(connection))
        if unknown:
            raise refused(
                "backtest",
                "--rule",
                f"{unknown[0]!r} never spoke",
                f"use one of {', '.join(spoke)}",
            )
        chosen = [each for each in candidates if not order.rules or each.rule in order.rules]
        live = _live(connection, order)
    trial = _alerts(fleet, chosen, order)
    days = (order.to_utc - order.from_utc) / timedelta(days=1)
    return Backtest(
        comparison=compare(live, trial),
        meter_days=days * len(fleet.specs),
        rules_version=RULES_VERSION,
        rules=spoke,
        reading_count=past.reading_count,
        oldest_utc=None if past.oldest_ms is None else utc_from_ms(past.oldest_ms),
    )


def _alerts(
    fleet: Fleet, candidates: Sequence[Candidate], order: BacktestOrder
) -> Sequence[TrialAlert]:
    to_s = ms_from_utc(order.to_utc) // 1000
    from_s = ms_from_utc(order.from_utc) // 1000
    _, changes = decide_alerts(AlertBook(), candidates, to_s)
    alerts: dict[tuple[int, str], TrialAlert] = {}
    found: list[TrialAlert] = []
    for change in changes:
        place = (change.alert.row, str(change.alert.lane))
        if change.change is Change.RAISED and change.candidate is not None:
            alert = TrialAlert(
                meter_id=fleet.specs[change.alert.row].meter_id,
                kind=change.alert.kind,
                start_s=change.candidate.start_s,
                detected_s=change.at_s,
                score=change.alert.score,
            )
            if place in alerts:
                found.append(alerts[place])
            alerts[place] = alert
        elif place in alerts:
            alerts[place] = replace(alerts[place], kind=change.alert.kind, score=change.alert.score)
    found += alerts.values()
    return [each for each in found if from_s <= each.detected_s < to_s]


def _live_rules(connection: Connection) -> set[str]:
    return set(connection.execute(select(ALERT.c.rule).distinct()).scalars())


def _live(connection: Connection, order: BacktestOrder) -> Sequence[TrialAlert]:
    query = select(ALERT).where(
        ALERT.c.detected_at_ms >= ms_from_utc(order.from_utc),
        ALERT.c.detected_at_ms < ms_from_utc(order.to_utc),
        ALERT.c.retracted_at_ms.is_(None),
    )
    if order.rules:
        query = query.where(ALERT.c.rule.in_(sorted(order.rules)))
    return [
        TrialAlert(
            meter_id=row.meter_id,
            kind=Kind(row.kind),
            start_s=row.started_at_ms // 1000,
            detected_s=row.detected_at_ms // 1000,
            score=row.score,
            is_confirmed=row.label == Label.CONFIRMED,
            is_false=row.label == Label.FALSE,
        )
        for row in connection.execute(query)
    ]
