"""Brings the town up: broker, server, meters, gateways, crew, and the network between them."""

import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import requests

from demo.accounts import ADMINISTRATOR_LOGIN
from demo.cut_network_io import CuttableNetwork
from demo.places import Places
from demo.set_up_io import Ports, choose_ports, database_url
from demo.supervisor_io import Role, Supervisor
from demo.tablet_crews import OTHER_TABLETS, SHOWN_CREW
from demo.town import Town
from demo.town_clock import DEFAULT_START_UTC, TownClock
from demo.town_clock_io import keep_saving, let_go, start_clock
from sync_server.access.tablet_store import code_life, issue_enrolment_code
from sync_server.db.engine_io import open_engine

UP_WITHIN_S = 60.0
"""Wall seconds after which a part that does not answer is called broken."""

BROKER = "broker"
SERVER = "server"
METERS = "meters"
CREW = "crew"
OTHER_CREWS = "other-crews"


class TownDidNotStart(RuntimeError):  # noqa: N818  # reads as what happened
    """A part did not answer in time; the text names its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How the town is run.

    Attributes:
        rate: Town seconds per wall second.
        gateway_processes: How many processes the 20 gateways share (R26).
        crew: The crew's process: `demo.run_crew`, or `demo.run_tablet` with a window.
        crew_arguments: Further arguments of that process.
        broker: The broker's process: the embedded one, or `demo.run_mosquitto`.
        has_other_crews: Whether inspectors walk, too, and a second crew works with two tablets.
    """

    rate: float
    gateway_processes: int
    crew: str = "demo.run_crew"
    crew_arguments: tuple[str, ...] = ()
    broker: str = "demo.run_broker"
    has_other_crews: bool = False


class TownRun:
    """The running town; a context manager that stops everything it started."""

    def __init__(self, places: Places, town: Town, options: RunOptions) -> None:
        """Prepare; nothing runs before `with`."""
        self.places = places
        self.town = town
        self.supervisor = Supervisor(places)
        self._options = options
        self._stop = threading.Event()
        self._saver: threading.Thread | None = None
        self.ports: Ports
        self.clock: TownClock
        self.network: CuttableNetwork

    @property
    def base_url(self) -> str:
        """The control room's address."""
        return f"http://127.0.0.1:{self.ports.server}"

    @property
    def gateway_groups(self) -> Sequence[Sequence[str]]:
        """Gateway ids by process."""
        ids = [str(box.gateway_id) for box in self.town.gateways]
        count = self._options.gateway_processes
        return [ids[first::count] for first in range(min(count, len(ids)))]

    def gateway_process(self, group: Sequence[str]) -> str:
        """Return the name of the process that runs a group."""
        return group[0] if len(group) == 1 else f"gateways-{group[0]}"

    def __enter__(self) -> Self:
        """Start everything, in the order in which each finds what it needs."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop everything."""
        self.stop()

    def stop(self) -> None:
        """Stop the processes in the reverse order and save the town's time."""
        self.supervisor.stop_all()
        self._stop.set()
        if self._saver is not None:
            self._saver.join()
        if hasattr(self, "network"):
            self.network.close()

    def _start(self) -> None:
        data = ("--data", str(self.places.root))
        self.ports = choose_ports(self.places, self.town)
        self.clock = start_clock(
            self.places.clock_file, DEFAULT_START_UTC, self._options.rate, is_held=True
        )
        self._saver = threading.Thread(
            target=keep_saving, args=(self.places.clock_file, self.clock, self._stop)
        )
        self._saver.start()
        self.supervisor.start(
            Role(BROKER, self._options.broker, (*data, "--port", str(self.ports.broker)))
        )
        self.supervisor.start(Role(METERS, "demo.run_meters", data))
        self._wait_for(BROKER, lambda: answers(self.ports.broker))
        self.supervisor.start(Role(SERVER, "demo.run_server", data))
        for group in self.gateway_groups:
            name = self.gateway_process(group)
            self.supervisor.start(Role(name, "demo.run_gateways", (*data, *group)))
        self._wait_for(SERVER, self._is_server_ready)
        self.network = CuttableNetwork(self.ports.server, self.ports.network)
        self.network.open()
        self.supervisor.start(Role(CREW, self._options.crew, (*data, *self._crew_arguments())))
        if self._options.has_other_crews:
            others = (*data, *self._other_crews_arguments())
            self.supervisor.start(Role(OTHER_CREWS, "demo.run_other_crews", others))
        self._wait_for(SERVER, self._are_all_connected)
        let_go(self.places.clock_file, self.clock)

    def _crew_arguments(self) -> Sequence[str]:
        url = ("--server-url", f"http://127.0.0.1:{self.network.port}")
        [code] = self._codes([SHOWN_CREW])
        return (*url, "--code", code, *self._options.crew_arguments)

    def _other_crews_arguments(self) -> Sequence[str]:
        """Return the arguments of the process whose tablets are never in the shown cellar."""
        codes = self._codes([*OTHER_TABLETS.values()])
        pairs = zip(OTHER_TABLETS, codes, strict=True)
        return ("--server-url", self.base_url, *(f"{name}={code}" for name, code in pairs))

    def _codes(self, crew_ids: Sequence[str]) -> Sequence[str]:
        """Return a fresh one-time code for a tablet of each crew."""
        engine, now_utc = open_engine(database_url(self.places)), self.clock.now_utc()
        try:
            with engine.begin() as connection:
                life = code_life(self.clock)
                return [
                    issue_enrolment_code(
                        connection, each, ADMINISTRATOR_LOGIN, now_utc, life=life
                    ).code
                    for each in crew_ids
                ]
        finally:
            engine.dispose()

    def _is_server_ready(self) -> bool:
        try:
            answer = requests.get(f"{self.base_url}/health/ready", timeout=2)
        except requests.RequestException:
            return False
        return answer.ok

    def _are_all_connected(self) -> bool:
        """Return whether the server and every gateway have found the broker in this run."""
        said = self.supervisor.times_said
        return said(SERVER, "ingest.connected") > 0 and all(
            said(self.gateway_process(group), "mqtt.connected") >= len(group)
            for group in self.gateway_groups
        )

    def _wait_for(self, name: str, is_up: Callable[[], bool]) -> None:
        until = time.monotonic() + UP_WITHIN_S
        while not is_up():
            self.supervisor.check_alive()
            if time.monotonic() > until:
                log_file = self.places.log_file(name)
                raise TownDidNotStart(f"{name} did not answer in {UP_WITHIN_S} s; see {log_file}")
            self._stop.wait(0.1)


def answers(port: int) -> bool:
    """Return whether something listens on a loopback port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
