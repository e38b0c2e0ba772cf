"""The real server that tablet tests talk to, in-process and over HTTP, and a bad network."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import uvicorn
from fastapi import FastAPI
from sqlalchemy import Engine

from field_app.store.identity_io import Identity
from field_app.sync.reasons import Reason, SyncProblem
from sync_server.access.api_io import enrolment_router
from sync_server.access.desk import AccessDesk
from sync_server.access.error_answers_io import install_error_answers
from sync_server.access.tablet_store import issue_enrolment_code
from sync_server.alerts.alert import AlertRecord
from sync_server.alerts.alert_list_store import get_alert
from sync_server.db.engine_io import open_engine
from sync_server.db.migrate_io import migrate
from sync_server.db.server_store import draw_server_epoch, note_restored
from sync_server.sync.api_io import sync_router
from sync_server.sync.poke_io import PokeHub, poke_router
from sync_server.sync.service import SyncService, SyncTerms
from sync_server.work_orders.order import OrderRecord
from sync_server.work_orders.order_store import (
    act,
    add_note,
    assign,
    create_from_alert,
    get_order,
)
from tests.free_ports import free_port
from tests.sync_server.people_parts import QUICK_HASHER, Utility, found_utility, raise_leak
from tests.sync_server.real_parts import HandClock, wait_until
from wire_contracts.enrolment import TabletPerson
from wire_contracts.kinds import Kind
from wire_contracts.operations import PushAnswer, WrittenPush
from wire_contracts.pulls import PullAnswer
from wire_contracts.quantities import Medium
from wire_contracts.sync import SyncApi
from wire_contracts.work_order_states import WorkOrderEvent

T = TypeVar("T")

KINDS = {
    Medium.WATER: ("M-1", Kind.SLOW_LEAK),
    Medium.GAS: ("M-2", Kind.SLOW_LEAK),
    Medium.HEAT: ("M-3", Kind.BURST),
}


@dataclass(slots=True, kw_only=True)
class Office:
    """The people at the other end: they make orders and look at what came in."""

    utility: Utility
    clock: HandClock

    @property
    def engine(self) -> Engine:
        return self.utility.engine

    def api(self) -> SyncApi:
        return self.utility.sync()

    def new_order(self, medium: Medium = Medium.WATER, crew_id: str | None = "crew-1") -> str:
        meter_id, kind = KINDS[medium]
        with self.engine.begin() as connection:
            alert_id = raise_leak(connection, meter_id, kind, medium)
            order = create_from_alert(
                connection,
                alert_id,
                self.utility.dispatcher.account_id,
                crew_id,
                self.clock.now_utc(),
            )
        return order.order_id

    def act(self, order_id: str, event: WorkOrderEvent) -> None:
        with self.engine.begin() as connection:
            act(
                connection,
                order_id,
                event,
                self.utility.dispatcher.account_id,
                self.clock.now_utc(),
            )

    def assign(self, order_id: str, crew_id: str) -> None:
        with self.engine.begin() as connection:
            actor = self.utility.dispatcher.account_id
            assign(connection, order_id, crew_id, actor, self.clock.now_utc())

    def add_note(self, order_id: str, text: str) -> None:
        with self.engine.begin() as connection:
            actor = self.utility.dispatcher.account_id
            add_note(connection, order_id, text, actor, self.clock.now_utc())

    def back_up(self, path: Path) -> Path:
        with closing(sqlite3.connect(str(self.engine.url.database))) as connection:
            connection.execute("VACUUM INTO ?", (str(path),))
        return path

    def restore(self, backup: Path) -> None:
        """Put the backup in the place of the server's file, as `sync-server restore` does."""
        self.put_file_back(backup)
        self.draw_new_epoch()

    def put_file_back(self, backup: Path) -> None:
        """Put the backup in the place of the server's file by hand: its epoch stays as it was."""
        live = Path(str(self.engine.url.database))
        self.engine.dispose()
        for suffix in ("-wal", "-shm"):
            live.with_name(live.name + suffix).unlink(missing_ok=True)
        live.write_bytes(backup.read_bytes())

    def draw_new_epoch(self) -> None:
        """Say that the database is an older one, as `sync-server new-epoch` does."""
        with self.engine.begin() as connection:
            draw_server_epoch(connection)
            note_restored(connection, self.clock.now_utc())

    def order(self, order_id: str) -> OrderRecord:
        with self.engine.begin() as connection:
            return get_order(connection, order_id)

    def alert_of(self, order_id: str) -> AlertRecord:
        alert_id = self.order(order_id).document.alert_id
        assert alert_id is not None
        with self.engine.begin() as connection:
            return get_alert(connection, alert_id)

    def code(self, crew_id: str = "crew-1") -> str:
        with self.engine.begin() as connection:
            return issue_enrolment_code(connection, crew_id, "test", self.clock.now_utc()).code

    def identity(self) -> Identity:
        """Who tablet 1 is, for tests that skip the enrolment."""
        member = self.utility.member
        return Identity(
            server_url="http://127.0.0.1:1",
            tablet_id=self.utility.tablet.tablet_id,
            token="not used in-process",  # noqa: S106  # no token is checked in-process
            expires_at_utc=self.clock.now_utc() + timedelta(days=365),
            crew_id="crew-1",
            people=(
                TabletPerson(
                    account_id=member.account_id, name="Wang", role="crew_member", language="zh_CN"
                ),
            ),
            actor=member.account_id,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundedOffice:
    """A server's file with its people, founded once and copied by every test."""

    path: Path
    utility: Utility

    def copy_to(self, path: Path) -> Engine:
        path.write_bytes(self.path.read_bytes())
        return open_engine(f"sqlite:///{path}")

    def office(self, engine: Engine, clock: HandClock) -> Office:
        service = SyncService(engine, clock)
        utility = replace(self.utility, engine=engine, clock=clock, service=service)
        return Office(utility=utility, clock=clock)


def found_office(path: Path) -> FoundedOffice:
    engine = open_engine(f"sqlite:///{path}")
    migrate(engine)
    utility = found_utility(engine, HandClock())
    engine.dispose()
    return FoundedOffice(path=path, utility=utility)


def office_app(office: Office, terms: SyncTerms | None = None) -> FastAPI:
    app = FastAPI()
    app.state.access = AccessDesk(office.engine, office.clock, QUICK_HASHER)
    app.include_router(enrolment_router())
    app.include_router(sync_router(office.engine, office.clock, terms))
    app.state.poke = PokeHub(office.engine)
    app.include_router(poke_router(app.state.poke))
    install_error_answers(app)
    return app


@contextmanager
def serving(app: FastAPI, port: int | None = None) -> Iterator[str]:
    """Serve the app over real HTTP on a loopback port, a free one by itself; yield its address."""
    port = port or free_port()
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started)
        yield f"http://127.0.0.1:{port}"
    finally:
        app.state.poke.close()
        server.should_exit = True
        thread.join(20)


class Fate(StrEnum):
    """What a bad network does to one request."""

    WELL = "well"
    REQUEST_LOST = "request_lost"
    ANSWER_LOST = "answer_lost"
    TWICE = "twice"


@dataclass(slots=True)
class BadNetwork:
    """A way to a real API that loses requests, loses answers, or delivers twice."""

    api: SyncApi
    fates: Iterator[Fate] = field(default_factory=lambda: iter(()))
    meanwhile: Iterator[Callable[[], object]] = field(default_factory=lambda: iter(()))

    def pull(self, token: str | None, limit: int) -> PullAnswer:
        return self._suffer(lambda: self.api.pull(token, limit))

    def push(self, push: WrittenPush) -> PushAnswer:
        return self._suffer(lambda: self.api.push(push))

    def _suffer(self, ask: Callable[[], T]) -> T:
        fate = next(self.fates, Fate.WELL)
        if fate is Fate.REQUEST_LOST:
            raise SyncProblem(Reason.NO_NETWORK, "the request was lost")
        answer = ask()
        if fate is Fate.TWICE:
            answer = ask()
        if fate is Fate.ANSWER_LOST:
            raise SyncProblem(Reason.NO_NETWORK, "the answer was lost")
        next(self.meanwhile, lambda: None)()
        return answer
