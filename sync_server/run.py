"""Starts the server's parts over one database and ends them in the right order."""

import gc
import sys
import threading
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path

import structlog
import uvicorn
from fastapi import FastAPI
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from structlog.typing import FilteringBoundLogger

from sync_server.access.bootstrap import first_start_link
from sync_server.aftercare.visit_follow_store import follow_visits
from sync_server.alerts.alert_store import expire_shelves
from sync_server.archive.parquet_io import ArchiveError, check_installed
from sync_server.archive.retention_io import Keeper, let_leave
from sync_server.archive.tiers import TierError
from sync_server.archive.upkeep_io import keep_partitions
from sync_server.blobs.files_io import BlobFiles
from sync_server.blobs.intake import Intake
from sync_server.blobs.sweep import sweep
from sync_server.config import ConfigError, ServerConfig, TlsFiles
from sync_server.db.advisory_io import AdvisoryLocks
from sync_server.db.engine_io import open_engine, reading
from sync_server.db.log_io import keep_log_short
from sync_server.db.migrate_io import migrate
from sync_server.db.server_store import moved_at, server_epoch
from sync_server.detection.alerting.class_budget import next_factor
from sync_server.detection.watch.arrival_feed_store import longest_pause
from sync_server.detection.watch.fleet_watch import WATERMARK, FleetWatch, next_look_ms
from sync_server.detection.watch.learned_store import CLASS_FACTOR, count_classes
from sync_server.detection.watch.relearn_io import DETECTION_LOCKS, FLEET_LOCK
from sync_server.detection.watch.surroundings_store import put_weather, put_weather_of_meter
from sync_server.detection.watch.weather_io import WeatherError, fetch_weather
from sync_server.forms.builtin_io import install_builtin_forms
from sync_server.messages.messenger_io import FileMessenger
from sync_server.messages.send_run_io import send_until
from sync_server.paging.pager_io import FilePager
from sync_server.paging.paging_run_io import Site as PagedSite
from sync_server.paging.paging_run_io import watch
from sync_server.readings.health import ingest_metrics
from sync_server.readings.ingest_run_io import IngestLoop
from sync_server.readings.mqtt_io import BrokerLink
from sync_server.readings.partition_links_io import HOLDER_NAME, PartitionLinks, PartitionSource
from sync_server.safekeeping.anchors_io import append_anchor
from sync_server.safekeeping.retention import forget_due
from sync_server.service_desk.order_follow_store import follow_orders
from sync_server.service_desk.request_store import Office
from sync_server.sync.photo_reviews import review_refused_photo
from sync_server.sync.sealing_keys_io import FOLDER
from sync_server.sync.upkeep import keep_current, keep_up
from sync_server.traces_io import start_traces, stop_traces
from sync_server.web.app_io import build_app
from sync_server.web.health_io import health_app
from sync_server.web.settings import WebSettings
from sync_server.work_orders.dispatch import dispatch_due
from sync_server.work_orders.policy_store import PolicyRow, policy_or_none, set_policy
from wire_contracts.clock import Clock
from wire_contracts.frames import ms_from_utc, utc_from_ms

_LOG: FilteringBoundLogger = structlog.get_logger()
_JOIN_S = 15.0

UPKEEP_EVERY = timedelta(days=1)
"""Once a day of the site's time; sync.upkeep says what for."""

BUDGET_EVERY = timedelta(days=7)
"""How often thresholds of classes follow what crews found (METHODS 6.7: weekly)."""

ANCHOR_EVERY_S = 600.0
"""Wall seconds between two anchors: what was done in between could be rewritten unseen."""

_MEASURED = timedelta(days=90)

LONGEST_WATCH_WAIT_S = 60.0
"""Wall seconds after which the watch looks whether it is still the one that detects."""

STANDBY_LOOK_S = 0.5
"""Wall seconds between two tries of a process that stands by to become the one that detects."""

_ALERTS_LOCK = 1002
"""Advisory locks beside those of the partitions, 0 to 63."""

_THREAD_SWITCH_S = 0.0005
"""How long the interpreter lets one thread run while others wait. A reader of 500 rows hands over
500 times; at Python's own 5 ms each hand-over could cost that much beside a busy ingest."""

_WEATHER_AGAIN_MS = 48 * 3_600_000
"""A station's readings that come late are taken in up to the watermark of detection."""

_VALUES_BEFORE_COLLECTION = 100_000
"""Python looks for cycles after so many new values (its own default: 700) and after every hundred
such looks through all it holds. Frames and rows have no cycles and go when nothing refers to them:
at the default, looking cost a fifth of the ingest and delayed every hundredth pull fivefold."""


class Part(StrEnum):
    """What a server process can do, in the order in which the parts are ended."""

    INGEST = "ingest"
    """Takes what gateways send; one process per broker session."""
    DETECTION = "detection"
    """Looks for leaks, makes orders, ends shelves; one process per database."""
    PAGES = "pages"
    """The control room's pages and the tablets' sync, on `listen_port`."""


ALL_PARTS = tuple(Part)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Site:
    """What the parts of this process share."""

    config: ServerConfig
    engine: Engine
    clock: Clock
    stop: threading.Event
    reached: Callable[[str], None]
    epoch: int


def _nothing() -> None:
    """Do nothing: this part needs nothing more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _PartRun:
    """A part at work.

    Attributes:
        work: Runs in the part's own thread until `stop` is set or `leave` is called.
        enter: Called once the thread runs.
        leave: Tells the part to end, where `stop` alone does not.
        close: Called when the thread has ended.
    """

    work: Callable[[], None]
    enter: Callable[[], None] = _nothing
    leave: Callable[[], None] = _nothing
    close: Callable[[], None] = _nothing


def nothing_reached(_point: str) -> None:
    """Pass a named point without doing anything; tests stop the process there instead."""


def run_server(  # noqa: PLR0913  # the settings, the time, and four ways to watch and choose
    config: ServerConfig,
    clock: Clock,
    stop: threading.Event,
    reached: Callable[[str], None] = nothing_reached,
    announce: Callable[[str], None] | None = None,
    *,
    parts: Collection[Part] = ALL_PARTS,
    health_port: int | None = None,
) -> None:
    """Run the server until `stop`; then stop taking, commit, acknowledge, close.

    Args:
        config: The settings.
        clock: What time it is; waits of the site's time go through it.
        stop: Set it to end the server.
        reached: Called at named points, so that a test can end the process exactly there.
        announce: Called with the one-time link of the first start; None: it is logged.
        parts: What this process does; the others must run elsewhere over the same database.
        health_port: Where a process without pages answers machines; None: nowhere.

    Raises:
        ConfigError: The database was moved to another one.
        RuntimeError: A part ended by itself; the process should end and be started again.
    """
    _settle_interpreter()
    _check_archive(config)
    config.data.mkdir(parents=True, exist_ok=True)
    engine = open_engine(config.database_url)
    start_traces(config.traces_endpoint, sorted(parts))
    try:
        migrate(engine)
        with engine.begin() as connection:
            _refuse_left_database(connection)
            epoch = server_epoch(connection)
        if Part.PAGES in parts:
            install_builtin_forms(engine, clock.now_utc())
            _announce_first_link(config, engine, clock, announce)
        site = _Site(
            config=config, engine=engine, clock=clock, stop=stop, reached=reached, epoch=epoch
        )
        runs: dict[str, _PartRun] = {part: _MAKE[part](site) for part in Part if part in parts}
        if health_port is not None and Part.PAGES not in parts:
            runs["health"] = _health(site, health_port)
        with _short_log(site):
            _run_parts(site, runs)
    finally:
        stop_traces()
        engine.dispose()


@contextmanager
def _short_log(site: _Site) -> Generator[None]:
    """Empty the log of a SQLite database beside the parts."""
    keeper = threading.Thread(target=keep_log_short, args=(site.engine, site.stop), name="log")
    if site.engine.dialect.name == "sqlite":
        keeper.start()
    try:
        yield
    finally:
        site.stop.set()
        if keeper.is_alive():
            keeper.join(_JOIN_S)


def _refuse_left_database(connection: Connection) -> None:
    """Raise ConfigError where the database was moved: two servers would go two ways."""
    left_at_utc = moved_at(connection)
    if left_at_utc is not None:
        raise ConfigError(
            f"database: url: everything was moved to another database at {left_at_utc:%FT%TZ}; "
            "name that one, or run `sync-server new-epoch` to go on with this one"
        )


def _check_archive(config: ServerConfig) -> None:
    """Raise ConfigError where an archive is wanted and its libraries are missing."""
    try:
        if config.archive_folder is not None:
            check_installed()
    except ArchiveError as error:
        raise ConfigError(str(error)) from error


def _settle_interpreter() -> None:
    """Set the process to what a server needs: quick hand-over of threads, few collections."""
    sys.setswitchinterval(_THREAD_SWITCH_S)
    gc.set_threshold(_VALUES_BEFORE_COLLECTION, 10, 10)


def _announce_first_link(
    config: ServerConfig, engine: Engine, clock: Clock, announce: Callable[[str], None] | None
) -> None:
    with engine.begin() as connection:
        path = first_start_link(connection, clock.now_utc())
    if path is None:
        return
    url = f"{config.public_url}{path}"
    if announce is None:
        _LOG.warning("server.first_start", open_this_link_once=url)
    else:
        announce(url)


def _run_parts(site: _Site, parts: Mapping[str, _PartRun]) -> None:
    failed: list[str] = []
    threads = {part: _start(part, run.work, site.stop, failed) for part, run in parts.items()}
    for run in parts.values():
        run.enter()
    site.stop.wait()
    for part, run in parts.items():
        run.leave()
        threads[part].join(_JOIN_S)
        run.close()
    _LOG.info("server.stopped", parts=list(parts))
    if failed:
        message = f"server: {', '.join(failed)}: ended by itself; see the log, start it again"
        raise RuntimeError(message)


def _start(
    name: str, work: Callable[[], None], stop: threading.Event, failed: list[str]
) -> threading.Thread:
    def run() -> None:
        try:
            work()
        except BaseException:  # noqa: BLE001  # whatever ends a part must end the server
            _LOG.exception("server.part_failed", part=name)
            failed.append(name)
        else:
            if not stop.is_set():
                failed.append(name)
        finally:
            stop.set()

    thread = threading.Thread(target=run, name=name)
    thread.start()
    return thread


def _ingest(site: _Site) -> _PartRun:
    link = _source(site)
    loop = IngestLoop(site.engine, link, site.clock, ingest_metrics(), site.reached)
    return _PartRun(
        work=lambda: loop.run(site.epoch, site.stop), enter=link.start, close=link.close
    )


def _source(site: _Site) -> PartitionSource:
    """Return where messages come from: every partition, or this replica's share of them."""
    if not site.config.is_ingest_shared:
        return BrokerLink(site.config.broker)
    return PartitionLinks(site.config.broker, AdvisoryLocks(site.engine, HOLDER_NAME))


def _detection(site: _Site) -> _PartRun:
    watcher = threading.Thread(
        target=_as_leader, args=(site, FLEET_LOCK, _watch_fleet), name="fleet-watch"
    )
    work = partial(_as_leader, site, _ALERTS_LOCK, _mind_alerts)
    return _PartRun(work=work, enter=watcher.start, close=watcher.join)


def _pages(site: _Site) -> _PartRun:
    config = site.config
    settings = WebSettings(
        site_name=config.site_name,
        zone_name=config.timezone.key,
        language=config.language,
        is_https=config.public_url.startswith("https:"),
        blob_folder=blob_folder(config),
        sealing_folder=sealing_folder(config),
        archive_folder=config.archive_folder,
        lease=config.lease,
        tablet_token_life=config.tablet_token_life,
        telephone_secret=config.telephone_secret,
        open311_keys=config.open311_keys,
        factor_rule=config.second_factor,
    )
    app = build_app(site.engine, site.clock, settings)
    web = _web(app, config.listen_host, config.listen_port, config.pages_tls)
    beside = _beside_pages(site)

    def enter() -> None:
        for thread in beside:
            thread.start()

    def leave() -> None:
        app.state.live.close()
        app.state.poke.close()
        web.should_exit = True

    def close() -> None:
        for thread in beside:
            thread.join()

    return _PartRun(work=web.run, enter=enter, leave=leave, close=close)


def _beside_pages(site: _Site) -> list[threading.Thread]:
    """Return what runs beside the pages, once per site and where its files are."""
    config = site.config
    chosen = [
        ("blob-sweep", _sweep_daily, True),
        ("readings-upkeep", _keep_readings, True),
        ("audit-anchor", _anchor_audit, config.anchor_file is not None),
        ("paging", _page_people, config.paging_file is not None),
        ("messages", _write_customers, config.messages_file is not None),
    ]
    return [
        threading.Thread(target=work, args=(site,), name=name)
        for name, work, is_wanted in chosen
        if is_wanted
    ]


def _anchor_audit(site: _Site) -> None:
    """Note the end of the audit chain in a file outside the database, now and then."""
    path = site.config.anchor_file
    while path is not None and not site.stop.is_set():
        try:
            append_anchor(site.engine, path, site.clock.now_utc())
        except (OSError, ValueError, SQLAlchemyError):
            _LOG.exception("audit.anchor_failed", file=str(path))
        site.stop.wait(ANCHOR_EVERY_S)
    if path is not None:
        with suppress(OSError, ValueError, SQLAlchemyError):
            append_anchor(site.engine, path, site.clock.now_utc())


def _page_people(site: _Site) -> None:
    """Call whoever should look at a danger, through the file that the settings name."""
    path = site.config.paging_file
    if path is not None:
        told = PagedSite(public_url=site.config.public_url, zone=site.config.timezone)
        watch(site.engine, site.clock, FilePager(path), told, site.stop)


def _write_customers(site: _Site) -> None:
    """Send what customers are to hear, through the file that the settings name."""
    path = site.config.messages_file
    if path is not None:
        name = site.config.site_name
        send_until(site.engine, site.clock, FileMessenger(path), name, site.stop)


def _web(app: FastAPI, host: str, port: int, tls: TlsFiles | None = None) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,  # pages carry it all the same, see web.pages_io.SecurityHeaders
            timeout_graceful_shutdown=5,
            ssl_certfile=None if tls is None else tls.cert_file,
            ssl_keyfile=None if tls is None else tls.key_file,
        )
    )


def _health(site: _Site, port: int) -> _PartRun:
    """Return what answers machines in a process without pages."""
    web = _web(health_app(site.engine), site.config.listen_host, port)

    def leave() -> None:
        web.should_exit = True

    return _PartRun(work=web.run, leave=leave)


def sealing_folder(config: ServerConfig) -> Path:
    """Return where the keys lie to which tablets seal what they have not sent."""
    return config.data / FOLDER


def blob_folder(config: ServerConfig) -> Path:
    """Return where the photos and signatures of an installation are kept."""
    return config.data / "blobs"


def _sweep_daily(site: _Site) -> None:
    """Compare photos and database at the start and once a day; only where the files are."""
    files = BlobFiles(blob_folder(site.config))
    intake = Intake(site.engine, files, site.clock, review_refused_photo)
    while not site.stop.is_set():
        try:
            sweep(site.engine, files, intake, site.clock.now_utc())
        except Exception:  # noqa: BLE001  # a disk that fails must not end the pages
            _LOG.exception("blobs.sweep_failed")
        _forget(site)
        site.stop.wait(max(site.clock.wall_seconds(UPKEEP_EVERY.total_seconds()), 1.0))


def _keep_readings(site: _Site) -> None:
    """Keep the readings in order at the start and once a day."""
    while not site.stop.is_set():
        try:
            keep_partitions(site.engine, site.clock.now_utc())
            let_leave(_keeper(site), site.clock.now_utc())
        except (ArchiveError, TierError, OperationalError) as error:
            _LOG.warning("readings.upkeep_waits", reason=str(error))
        except Exception:  # noqa: BLE001  # a database that is busy must not end the pages
            _LOG.exception("readings.upkeep_failed")
        site.stop.wait(max(site.clock.wall_seconds(UPKEEP_EVERY.total_seconds()), 1.0))


def _keeper(site: _Site) -> Keeper:
    return Keeper(
        engine=site.engine,
        folder=site.config.archive_folder,
        zone=site.config.timezone,
        is_stopped=site.stop.is_set,
    )


def _forget(site: _Site) -> None:
    """Forget what has been kept long enough; what was forgotten is in the audit or in the log."""
    try:
        with site.engine.begin() as connection:
            forgotten = forget_due(connection, site.clock.now_utc())
    except Exception:  # noqa: BLE001  # a database that is busy must not end the pages
        _LOG.exception("retention.failed")
    else:
        _LOG.info("retention.done", **forgotten)


_MAKE: Mapping[Part, Callable[[_Site], _PartRun]] = {
    Part.INGEST: _ingest,
    Part.DETECTION: _detection,
    Part.PAGES: _pages,
}


def _follower(site: _Site, now_utc: datetime) -> Office:
    """Return who lets requests follow their orders where no page is open."""
    return Office(actor="rule:follow", now_utc=now_utc, zone=site.config.timezone)


def _keep_up(site: _Site, now_utc: datetime) -> None:
    """Let ended orders leave the tablets and old tombstones go; what does not fit is an error."""
    with site.engine.begin() as connection:
        report = keep_up(connection, now_utc)
    _LOG.info("sync.upkeep", withdrawn=report.withdrawn_count, horizon=report.horizon)
    for finding in report.findings:
        _LOG.error("sync.self_check", rule=finding.rule, subject=finding.subject)


def _bring_weather(site: _Site, now_utc: datetime) -> None:
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


def _leader(site: _Site, number: int) -> _Leader:
    is_alone = site.engine.dialect.name == "sqlite"
    locks = None if is_alone else AdvisoryLocks(site.engine, DETECTION_LOCKS)
    return _Leader(locks=locks, number=number)


def _as_leader(site: _Site, number: int, work: Callable[[_Site, _Leader], None]) -> None:
    """Do the work whenever this process is the one that leads; `work` returns when it is not."""
    leader = _leader(site, number)
    try:
        while leader.wait(site.stop):
            _LOG.info("detection.leads", part=number)
            work(site, leader)
    finally:
        leader.close()


def _watch_fleet(site: _Site, leader: _Leader) -> None:
    """Let the detectors look at all meters, at the start and five minutes past each hour."""
    due_utc = site.clock.now_utc()
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
            except Exception:  # noqa: BLE001  # what cannot be judged must not end the rest
                _LOG.exception("detection.round_failed")
                watch = FleetWatch(site.engine, deaf_s)
            due_utc = utc_from_ms(next_look_ms(ms_from_utc(now_utc)))
        wait_s = site.clock.wall_seconds((due_utc - site.clock.now_utc()).total_seconds())
        site.stop.wait(min(max(wait_s, 0.05), LONGEST_WATCH_WAIT_S))


def _hold_budgets(site: _Site, now_utc: datetime) -> None:
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


def _mind_alerts(site: _Site, leader: _Leader) -> None:
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
            if now_utc >= next_upkeep_utc:
                _keep_up(site, now_utc)
                next_upkeep_utc = now_utc + UPKEEP_EVERY
            if now_utc >= next_budget_utc:
                _hold_budgets(site, now_utc)
                next_budget_utc = now_utc + BUDGET_EVERY
        except Exception:  # noqa: BLE001  # one row that cannot be judged must not end the ingest
            _LOG.exception("alerts.round_failed")
        site.stop.wait(max(site.clock.wall_seconds(interval_s), 0.05))
