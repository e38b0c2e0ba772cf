"""Starts the server's parts over one database and ends them in the right order."""

import gc
import sys
import threading
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import structlog
import uvicorn
from fastapi import FastAPI
from sqlalchemy import Connection, Engine
from structlog.typing import FilteringBoundLogger

from sync_server.access.bootstrap import first_start_link
from sync_server.archive.parquet_io import ArchiveError, check_installed
from sync_server.beside_pages_io import beside_pages
from sync_server.config import ConfigError, ServerConfig, TlsFiles
from sync_server.db.advisory_io import AdvisoryLocks
from sync_server.db.engine_io import open_engine
from sync_server.db.log_io import keep_log_short
from sync_server.db.migrate_io import migrate
from sync_server.db.server_store import moved_at, server_epoch
from sync_server.detection.watch.round_store import await_rounds
from sync_server.detection_run_io import mind_alerts_as_leader, watch_as_leader
from sync_server.forms.builtin_io import install_builtin_forms
from sync_server.readings.health import ingest_metrics
from sync_server.readings.ingest_run_io import IngestLoop
from sync_server.readings.mqtt_io import BrokerLink
from sync_server.readings.partition_links_io import HOLDER_NAME, PartitionLinks, PartitionSource
from sync_server.run_site import Site, blob_folder, sealing_folder
from sync_server.traces_io import start_traces, stop_traces
from sync_server.web.app_io import build_app
from sync_server.web.health_io import health_app
from sync_server.web.settings import WebSettings
from wire_contracts.clock import Clock

_LOG: FilteringBoundLogger = structlog.get_logger()
_JOIN_S = 15.0

_LOOK_S = 0.5
"""How often the main thread looks whether it was told to stop. A signal that the system hands to
another thread does not wake it, and only the main thread runs what answers a signal."""

_THREAD_SWITCH_S = 0.0005
"""How long the interpreter lets one thread run while others wait. A reader of 500 rows hands over
500 times; at Python's own 5 ms each hand-over could cost that much beside a busy ingest."""

_VALUES_BEFORE_COLLECTION = 100_000
"""Python looks for cycles after so many new values (its own default: 700) and after every hundred
such looks through all it holds. Frames and rows have no cycles and go when nothing refers to them:
at the default, looking cost a fifth of the ingest and delayed every hundredth pull fivefold."""

_VALUES_OF_A_TRANSACTION = 1_000_000
"""The same where the ingest has a process to itself: more than the values of the 10,000 frames of
one transaction, which are all gone at its end; looking at them in its middle cost a tenth of it."""


class Part(StrEnum):
    """What a server process can do, in the order in which the parts are ended."""

    INGEST = "ingest"
    """Takes what gateways send; one process per broker session."""
    DETECTION = "detection"
    """Looks for leaks, makes orders, ends shelves; one process per database."""
    PAGES = "pages"
    """The control room's pages and the tablets' sync, on `listen_port`."""


ALL_PARTS = tuple(Part)


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
    _settle_interpreter(parts)
    _check_archive(config)
    config.data.mkdir(parents=True, exist_ok=True)
    engine = open_engine(config.database_url)
    start_traces(config.traces_endpoint, sorted(parts))
    try:
        migrate(engine)
        with engine.begin() as connection:
            _refuse_left_database(connection)
            epoch = server_epoch(connection)
            await_rounds(connection, clock.now_utc(), anew=False)
        if Part.PAGES in parts:
            install_builtin_forms(engine, clock.now_utc())
            _announce_first_link(config, engine, clock, announce)
        site = Site(
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
def _short_log(site: Site) -> Generator[None]:
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


def _settle_interpreter(parts: Collection[Part]) -> None:
    """Set the process to what a server needs: quick hand-over of threads, few collections."""
    sys.setswitchinterval(_THREAD_SWITCH_S)
    is_ingest = set(parts) == {Part.INGEST}
    before = _VALUES_OF_A_TRANSACTION if is_ingest else _VALUES_BEFORE_COLLECTION
    gc.set_threshold(before, 10, 10)


def _settle_memory() -> None:
    """Have the interpreter search for cycles among what comes, not in what was there at the start.

    Modules and routes stay as long as the process; one search through them held every request for
    0.1 s, in the middle of a pull.
    """
    gc.collect()
    gc.freeze()


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


def _run_parts(site: Site, parts: Mapping[str, _PartRun]) -> None:
    _settle_memory()
    failed: list[str] = []
    threads = {part: _start(part, run.work, site.stop, failed) for part, run in parts.items()}
    for run in parts.values():
        run.enter()
    while not site.stop.wait(_LOOK_S):
        pass
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


def _ingest(site: Site) -> _PartRun:
    link = _source(site)
    loop = IngestLoop(site.engine, link, site.clock, ingest_metrics(), site.reached)
    return _PartRun(
        work=lambda: loop.run(site.epoch, site.stop), enter=link.start, close=link.close
    )


def _source(site: Site) -> PartitionSource:
    """Return where messages come from: every partition, or this replica's share of them."""
    if not site.config.is_ingest_shared:
        return BrokerLink(site.config.broker)
    return PartitionLinks(site.config.broker, AdvisoryLocks(site.engine, HOLDER_NAME))


def _detection(site: Site) -> _PartRun:
    watcher = threading.Thread(target=watch_as_leader, args=(site,), name="fleet-watch")
    work = partial(mind_alerts_as_leader, site)
    return _PartRun(work=work, enter=watcher.start, close=watcher.join)


def _pages(site: Site) -> _PartRun:
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
    beside = beside_pages(site)

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


def _health(site: Site, port: int) -> _PartRun:
    """Return what answers machines in a process without pages."""
    web = _web(health_app(site.engine), site.config.listen_host, port)

    def leave() -> None:
        web.should_exit = True

    return _PartRun(work=web.run, leave=leave)


_MAKE: Mapping[Part, Callable[[Site], _PartRun]] = {
    Part.INGEST: _ingest,
    Part.DETECTION: _detection,
    Part.PAGES: _pages,
}
