"""Starts the server's parts over one database and ends them in the right order."""

import sys
import threading
from collections.abc import Callable

import structlog
import uvicorn
from fastapi import FastAPI
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from structlog.typing import FilteringBoundLogger

from sync_server.access.bootstrap import first_start_link
from sync_server.alerts.alert_store import expire_shelves
from sync_server.config import ServerConfig
from sync_server.db.engine_io import open_engine
from sync_server.db.migrate_io import migrate
from sync_server.db.server_store import server_epoch
from sync_server.detection.runner import DetectionRunner
from sync_server.readings.health import IngestMetrics, ingest_metrics
from sync_server.readings.ingest_run_io import THREAD_SWITCH_S, IngestLoop
from sync_server.readings.mqtt_io import BrokerLink
from sync_server.web.app_io import build_app
from sync_server.web.settings import WebSettings
from sync_server.work_orders.dispatch import dispatch_due
from wire_contracts.clock import Clock

_LOG: FilteringBoundLogger = structlog.get_logger()
_JOIN_S = 15.0


def nothing_reached(_point: str) -> None:
    """Pass a named point without doing anything; tests stop the process there instead."""


def run_server(
    config: ServerConfig,
    clock: Clock,
    stop: threading.Event,
    reached: Callable[[str], None] = nothing_reached,
    announce: Callable[[str], None] | None = None,
) -> None:
    """Run the server until `stop`; then stop taking, commit, acknowledge, close.

    Args:
        config: The settings.
        clock: What time it is; waits of the site's time go through it.
        stop: Set it to end the server.
        reached: Called at named points, so that a test can end the process exactly there.
        announce: Called with the one-time link of the first start; None: it is logged.

    Raises:
        RuntimeError: A part ended by itself; the process should end and be started again.
    """
    sys.setswitchinterval(THREAD_SWITCH_S)
    config.data.mkdir(parents=True, exist_ok=True)
    engine = open_engine(config.database_url)
    try:
        migrate(engine)
        with engine.begin() as connection:
            epoch = server_epoch(connection)
            link_path = first_start_link(connection, clock.now_utc())
        if link_path is not None:
            _announce(f"{config.public_url}{link_path}", announce)
        _run_parts(config, engine, clock, stop, (epoch, reached))
    finally:
        engine.dispose()


def _announce(url: str, announce: Callable[[str], None] | None) -> None:
    if announce is None:
        _LOG.warning("server.first_start", open_this_link_once=url)
    else:
        announce(url)


def _run_parts(
    config: ServerConfig,
    engine: Engine,
    clock: Clock,
    stop: threading.Event,
    ingest_parts: tuple[int, Callable[[str], None]],
) -> None:
    epoch, reached = ingest_parts
    metrics = ingest_metrics()
    link = BrokerLink(config.broker)
    ingest = IngestLoop(engine, link, clock, metrics, reached)
    settings = WebSettings(
        site_name=config.site_name,
        zone_name=config.timezone.key,
        language=config.language,
        is_https=config.public_url.startswith("https:"),
    )
    app = build_app(engine, clock, settings)
    web = uvicorn.Server(
        uvicorn.Config(
            app,
            host=config.listen_host,
            port=config.listen_port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=5,
        )
    )
    parts = {
        "ingest": lambda: ingest.run(epoch, stop),
        "detection": lambda: _detect(config, engine, clock, stop, metrics),
        "web": web.run,
    }
    failed: list[str] = []
    threads = {name: _start(name, work, stop, failed) for name, work in parts.items()}
    link.start()
    stop.wait()
    _end(threads, link, app, web)
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


def _end(
    threads: dict[str, threading.Thread], link: BrokerLink, app: FastAPI, web: uvicorn.Server
) -> None:
    threads["ingest"].join(_JOIN_S)
    link.close()
    threads["detection"].join(_JOIN_S)
    app.state.live.close()
    web.should_exit = True
    threads["web"].join(_JOIN_S)
    _LOG.info("server.stopped")


def _detect(
    config: ServerConfig,
    engine: Engine,
    clock: Clock,
    stop: threading.Event,
    metrics: IngestMetrics,
) -> None:
    """Let detectors look, orders be made and shelves expire, once per interval."""
    runner = DetectionRunner(engine, config.timezone)
    interval_s = config.detection_interval.total_seconds()
    while not stop.is_set():
        now_utc = clock.now_utc()
        try:
            with metrics.detection_s.time():
                runner.look(now_utc)
            with engine.begin() as connection:
                expire_shelves(connection, now_utc)
                dispatch_due(connection, now_utc)
        except SQLAlchemyError:
            _LOG.exception("detection.round_failed")
        stop.wait(max(clock.wall_seconds(interval_s), 0.05))
