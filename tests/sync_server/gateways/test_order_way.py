"""The whole way of an order: typed, signed, stored, sent by the ingest, obeyed, answered, shown."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge_gateway.clock_io import SystemClock as GatewayClock
from edge_gateway.run import run_gateway
from sync_server.__main__ import main
from sync_server.assets.asset_store import add_gateway
from sync_server.clock_io import SystemClock
from sync_server.config import BrokerConfig, ServerConfig
from sync_server.db.engine_io import open_engine, reading
from sync_server.db.migrate_io import migrate
from sync_server.gateways.health_store import load_health
from sync_server.run import Part, run_server
from tests.edge_gateway.order_rig import GATEWAY, Signer, link, settings, sound
from tests.edge_gateway.rig import MeterServer, running, until
from tests.sync_server.real_parts import NOON


@dataclass
class Town:
    """A server's folder, a gateway that trusts a key, and the commands one types."""

    folder: Path
    capsys: pytest.CaptureFixture[str]

    def type(self, *words: str) -> tuple[int, str]:
        place = ["--data", str(self.folder)]
        status = main([*place, *words])
        said = self.capsys.readouterr()
        return status, said.out + said.err

    def order(self, *words: str) -> tuple[int, str]:
        key = str(self.folder / "engineer.key")
        return self.type(*words, "--key", key, "--wait", "15", "--by", "e-1")


class _Trusted(Signer):
    """The public half of a key file, as a signer that signs nothing."""

    line = ""

    @property
    def public_line(self) -> str:  # type: ignore[explicit-override]  # needs Python 3.12
        return self.line


@pytest.fixture
def town(tmp_path: Path, mosquitto_port: int, capsys: pytest.CaptureFixture[str]) -> Iterator[Town]:
    found = Town(folder=tmp_path, capsys=capsys)
    _, said = found.type("gateway-keys", "new", str(tmp_path / "engineer.key"))
    trusted = _Trusted()
    trusted.line = said.split('"')[1]
    engine = open_engine(f"sqlite:///{tmp_path / 'server.sqlite3'}")
    migrate(engine)
    with engine.begin() as connection:
        add_gateway(connection, GATEWAY, "cellar", NOON)
    engine.dispose()
    server = ServerConfig(
        data=tmp_path,
        database_url=f"sqlite:///{tmp_path / 'server.sqlite3'}",
        broker=BrokerConfig(port=mosquitto_port),
    )

    def serve(stop: threading.Event) -> None:
        run_server(server, SystemClock(), stop, parts=[Part.INGEST])

    with MeterServer(units={1: sound()}) as plant:
        config = settings(tmp_path, mosquitto_port, trusted, link(plant.port))
        with running(serve), running(lambda stop: run_gateway(config, GatewayClock(), stop)):
            yield found


def test_an_order_that_is_typed_is_obeyed_and_answered(town: Town) -> None:
    status, said = town.order("gateway-command", "ping", GATEWAY)

    assert (status, said.splitlines()[-1]) == (0, "done: here")


def test_a_revision_is_pushed_judged_and_shown(town: Town) -> None:
    good = town.folder / "gw-01.toml"
    good.write_text('[gateway]\nhealth_interval = "1s"\n')
    bad = town.folder / "bad.toml"
    bad.write_text('[mqtt]\nhost = "elsewhere"\n')
    pushed, said = town.order("gateway-config", "push", GATEWAY, str(good))
    refused, why = town.order("gateway-config", "push", GATEWAY, str(bad))
    engine = open_engine(f"sqlite:///{town.folder / 'server.sqlite3'}")

    def is_told() -> bool:
        with reading(engine) as connection:
            health = load_health(connection).get(GATEWAY)
        settings = None if health is None else health.settings
        return settings is not None and settings.revision == 1 and not settings.is_on_trial

    until(is_told)
    engine.dispose()
    _, shown = town.type("gateway-config", "status", GATEWAY)

    assert pushed == 0
    assert "done: revision 1: a good frame came" in said
    assert refused == 1
    assert "revision 2: mqtt: is not changed from afar; change it in the gateway's own file" in why
    assert f"{GATEWAY}: revision 1 in force" in shown
    assert "apply-config 2" in shown
    assert " e-1 " in shown


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("gateway-command", "ping", "GW 1"), "'GW 1' is not a gateway id"),
        (("gateway-command", "rollback-config", GATEWAY, "x"), "number: 'x' is no revision"),
        (("gateway-command", "write", GATEWAY, "m", "r", "1e9"), "value: '1e9' does not fit"),
        (("gateway-command", "ping", GATEWAY, "--expires", "31d"), "--expires: is '31d'; give"),
        (("gateway-config", "push", GATEWAY, "nowhere.toml"), "nowhere.toml: file: is no TOML"),
    ],
)
def test_what_makes_no_sense_is_refused_before_it_is_signed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], reason: str
) -> None:
    found = Town(folder=tmp_path, capsys=capsys)
    found.type("gateway-keys", "new", str(tmp_path / "engineer.key"))
    status, said = found.order(*words)

    assert status == 1
    assert reason in said
