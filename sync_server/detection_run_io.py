"""Runs detection in the one process that leads: looks at the fleet, alerts, weekly budgets."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from structlog.typing import FilteringBoundLogger

from sync_server.aftercare.visit_follow_store import follow_visits
from sync_server.alerts.alert_store import expire_shelves
from sync_server.db.advisory_io import AdvisoryLocks
from sync_server.db.engine_io import reading
from sync_server.detection.alerting.class_budget import next_factor
from sync_server.detection.watch.arrival_feed_store import longest_pause
from sync_server.detection.watch.fleet_watch import WATERMARK, FleetWatch, next_look_ms
from sync_server.detection.watch.learned_store import CLASS_FACTOR, count_classes
from sync_server.detection.watch.relearn_io import DETECTION_LOCKS, FLEET_LOCK
from sync_server.detection.watch.round_store import await_rounds, note_good_round
from sync_server.detection.watch.surroundings_store import put_weather, put_weather_of_meter
from sync_server.detection.watch.weather_io import WeatherError, fetch_weather
from sync_server.readings.health import ingest_metrics
from sync_server.run_site import UPKEEP_EVERY, Site
from sync_server.service_desk.order_follow_store import follow_orders
from sync_server.service_desk.request_store import Office
from sync_server.sync.late_judgement import judge_late_work
from sync_server.sync.upkeep import keep_current, keep_up
from sync_server.work_orders.dispatch import dispatch_due
from sync_server.work_orders.policy_store import PolicyRow, policy_or_none, set_policy
from wire_contracts.frames import ms_from_utc, utc_from_ms

_LOG: FilteringBoundLogger = structlog.get_logger()

BUDGET_EVERY = timedelta(days=7)
"""How often thresholds of classes follow what crews found (METHODS 6.7: weekly)."""

_MEASURED = timedelta(days=90)

LONGEST_WATCH_WAIT_S = 60.0
"""Wall seconds after which the watch looks whether it is still the one that detects."""

STANDBY_LOOK_S = 0.5
"""Wall seconds between two tries of a process that stands by to become the one that detects."""

_ALERTS_LOCK = 1002
"""Advisory locks beside those of the partitions, 0 to 63."""

_WEATHER_AGAIN_MS = 48 * 3_600_000
"""A station's readings that come late are taken in up to the watermark of detection."""


def watch_as_leader(site: Site) -> None:
    """Let the detectors look at all meters whenever this process is the one that leads."""
    _as_leader(site, FLEET_LOCK, _watch_fleet)


def mind_alerts_as_leader(site: Site) -> None:
    """Look after alerts and orders whenever this process is the one that leads."""
    _as_leader(site, _ALERTS_LOCK, _mind_alerts)


def _follower(site: Site, now_utc: datetime) -> Office:
    """Return who lets requests follow their orders where no page is open."""
    return Office(actor="rule:follow", now_utc=now_utc, zone=site.config.timezone)


def _keep_up(site: Site, now_utc: datetime) -> None:
    """Let ended orders leave the tablets and old tombstones go; what does not fit is an error."""
    with site.engine.begin() as connection:
        report = keep_up(connection, now_utc)
    _LOG.info("sync.upkeep", withdrawn=report.withdrawn_count, horizon=report.horizon)
    for finding in report.findings:
        _LOG.error("sync.self_check", rule=finding.rule, subject=finding.subject)


def _bring_weather(site: Site, now_utc: datetime) -> None:
    """Take the outdoor temperature in; a source that fails is named, and detection goes on."""
    weather = site.config.weather
    if weather.url is not None:
        try:
            hours = fetch_weather(weather.url)
        except WeatherError as error:
            _LOG.warning("weather.missing", reason=str(error))
        else:
            with site.engine.begin() as connection:
                put_weather(connection, [(weather.station, at, temp) for at, temp in hours])
    if weather.meter_id is not None:
        now_ms = ms_from_utc(now_utc)
        with site.engine.begin() as connection:
            from_ms = now_ms - _WEATHER_AGAIN_MS
            put_weather_of_meter(connection, weather.meter_id, weather.station, from_ms, now_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leader:
    """The right to be the one that detects; every other process stands by."""

    locks: AdvisoryLocks | None
    number: int

    def is_leading(self) -> bool:
        """Return whether it is this process; on SQLite there is one alone."""
        return self.locks is None or self.locks.keep_lock(self.number)

    def wait(self, stop: threading.Event) -> bool:
        """Return True once this process leads, False when it is stopped before."""
        while not stop.is_set():
            if self.is_leading():
                return True
            stop.wait(STANDBY_LOOK_S)
        return False

    def close(self) -> None:
        """Let another one lead."""
        if self.locks is not None:
            self.locks.close()


def _leader(site: Site, number: int) -> _Leader:
    is_alone = site.engine.dialect.name == "sqlite"
    locks = None if is_alone else AdvisoryLocks(site.engine, DETECTION_LOCKS)
    return _Leader(locks=locks, number=number)


def _as_leader(site: Site, number: int, work: Callable[[Site, _Leader], None]) -> None:
    """Do the work whenever this process is the one that leads; `work` returns when it is not."""
    leader = _leader(site, number)
    try:
        while leader.wait(site.stop):
            _LOG.info("detection.leads", part=number)
            work(site, leader)
    finally:
        leader.close()


def _watch_fleet(site: Site, leader: _Leader) -> None:
    """Let the detectors look at all meters, at the start and five minutes past each hour."""
    due_utc = site.clock.now_utc()
    with site.engine.begin() as connection:
        await_rounds(connection, due_utc, anew=True)
    with reading(site.engine) as connection:
        deaf_s = longest_pause(connection, due_utc, WATERMARK)
    watch = FleetWatch(site.engine, deaf_s)
    metrics = ingest_metrics()
    while leader.is_leading() and not site.stop.is_set():
        now_utc = site.clock.now_utc()
        if now_utc >= due_utc:
            try:
                _bring_weather(site, now_utc)
                with metrics.detection_s.time():
                    watch.look(now_utc)
                with site.engine.begin() as connection:
                    note_good_round(connection, now_utc)
                metrics.detection_good_at_s.set(now_utc.timestamp())
            except Exception:  # noqa: BLE001  # what cannot be judged must not end the rest
                _LOG.exception("detection.round_failed")
                watch = FleetWatch(site.engine, deaf_s)
            due_utc = utc_from_ms(next_look_ms(ms_from_utc(now_utc)))
        wait_s = site.clock.wall_seconds((due_utc - site.clock.now_utc()).total_seconds())
        site.stop.wait(min(max(wait_s, 0.05), LONGEST_WATCH_WAIT_S))


def _hold_budgets(site: Site, now_utc: datetime) -> None:
    """Measure the false alarms of each class and move its threshold; both become policies."""
    with site.engine.begin() as connection:
        for (kind, medium, name), count in count_classes(connection, now_utc, _MEASURED).items():
            rate = count.false_per_1000_md
            if rate is None:
                continue
            place = f"{kind}.{medium}.{name}"
            factor_name = f"{CLASS_FACTOR}{place}"
            factor = policy_or_none(connection, factor_name, now_utc) or 1.0
            source = f"measured: {count.false} false, {count.confirmed} confirmed in 90 days"
            for policy, value in (
                (f"auto_order.false_alarms.{place}", rate),
                (factor_name, next_factor(factor, count)),
            ):
                row = PolicyRow(
                    name=policy,
                    valid_from_utc=now_utc,
                    value=round(value, 4),
                    source=source,
                    approved_by="rule",
                )
                set_policy(connection, row, now_utc)


def _mind_alerts(site: Site, leader: _Leader) -> None:
    """Let orders be made of alerts, shelves expire and requests go on, once per interval."""
    interval_s = site.config.detection_interval.total_seconds()
    next_upkeep_utc = site.clock.now_utc() + UPKEEP_EVERY
    next_budget_utc = site.clock.now_utc() + BUDGET_EVERY
    while leader.is_leading() and not site.stop.is_set():
        now_utc = site.clock.now_utc()
        try:
            with site.engine.begin() as connection:
                expire_shelves(connection, now_utc)
                dispatch_due(connection, now_utc)
                keep_current(connection, now_utc)
                follow_orders(connection, _follower(site, now_utc))
                follow_visits(connection, _follower(site, now_utc))
            judge_late_work(site.engine, now_utc)
            if now_utc >= next_upkeep_utc:
                _keep_up(site, now_utc)
                next_upkeep_utc = now_utc + UPKEEP_EVERY
            if now_utc >= next_budget_utc:
                _hold_budgets(site, now_utc)
                next_budget_utc = now_utc + BUDGET_EVERY
        except Exception:  # noqa: BLE001  # one row that cannot be judged must not end the ingest
            _LOG.exception("alerts.round_failed")
        site.stop.wait(max(site.clock.wall_seconds(interval_s), 0.05))
