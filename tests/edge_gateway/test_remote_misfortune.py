"""Orders and revisions on a bad day: a full disk, a clock of 1970, bytes nobody should send."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge_gateway.clock_io import SystemClock
from edge_gateway.config import GatewayConfig
from edge_gateway.remote.answers import done, result_of
from edge_gateway.remote.ledger_store import Ledger
from edge_gateway.remote.revision_store import RevisionStore
from edge_gateway.remote.revisions_io import FOLDER, Revisions
from edge_gateway.remote.standing import Standing, begin_trial, confirm
from edge_gateway.run import run_gateway
from tests.edge_gateway.order_rig import OrderDesk, Signer, link, settings, sound
from tests.edge_gateway.rig import ROOT, LedgerServer, MeterServer, Mosquitto, running, until
from wire_contracts.gateway_commands import (
    ApplyConfig,
    Command,
    CommandOutcome,
    GetConfig,
    Ping,
    RevisionProfile,
)

BROKER = "allow_anonymous true\n"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
NEVER_SET = datetime(1970, 1, 1, 0, 3, tzinfo=UTC)


def command(number: int) -> Command:
    return Command(
        command_id=f"order-{number:06d}",
        gateway_id="gw-01",
        created_at_utc=NOON,
        expires_at_utc=NOON + timedelta(days=1),
        by="engineer",
        order=Ping(),
    )


@contextmanager
def no_room_for(*files: Path) -> Iterator[None]:
    """The disk takes no new version of these files: a folder stands where each is written."""
    for file in files:
        file.with_name(f"{file.name}.new").mkdir()
    try:
        yield
    finally:
        for file in files:
            file.with_name(f"{file.name}.new").rmdir()


def test_a_clock_of_1970_does_not_make_the_gateway_forget_what_it_has_done(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.begin(command(1))
    ledger.finish(result_of(done("here"), "order-000001", "gw-01", NOON))
    ledger.begin(command(2))
    ledger.finish(result_of(done("here"), "order-000002", "gw-01", NEVER_SET))
    again = Ledger(tmp_path)

    assert again.find("order-000001") is not None
    assert again.find("order-000002") is not None


def test_the_names_of_many_silent_links_do_not_spoil_the_state_file(tmp_path: Path) -> None:
    store = RevisionStore(tmp_path)
    tried = begin_trial(Standing(), 1, "order-000001")
    store.save(confirm(tried, "no good frame yet from " + ", ".join(["a boiler house"] * 500)))

    assert store.standing().confirmed == (1,)


def test_an_order_that_a_full_disk_cannot_remember_is_never_seen(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    with no_room_for(tmp_path / "handled.json"), pytest.raises(OSError, match="handled"):
        ledger.begin(command(1))

    assert ledger.find("order-000001") is None


def test_a_gateway_starts_on_a_full_disk_with_the_revision_in_force(tmp_path: Path) -> None:
    signer = Signer()
    config, store = site_of(tmp_path, signer)
    keep_revision(store, signer)
    store.save(confirm(begin_trial(Standing(), 1, "order-000001"), "good"))
    Revisions(config).at_start()
    remote = config.data / FOLDER
    with no_room_for(remote / "state.json", remote / "profiles-1"):
        start, _ = Revisions(config).at_start()

    assert start.number == 1


def test_a_trial_whose_start_cannot_be_counted_is_over(tmp_path: Path) -> None:
    signer = Signer()
    config, store = site_of(tmp_path, signer)
    keep_revision(store, signer)
    store.save(begin_trial(Standing(), 1, "order-000001"))
    with no_room_for(config.data / FOLDER / "state.json"):
        start, standing = Revisions(config).at_start()

    assert (start.number, standing.trial) == (0, None)


def site_of(folder: Path, signer: Signer) -> tuple[GatewayConfig, RevisionStore]:
    config = settings(folder, 1883, signer, link(502))
    return config, RevisionStore(config.data / FOLDER)


def keep_revision(store: RevisionStore, signer: Signer) -> None:
    """A revision with a profile of its own, as it lies on disk."""
    text = (ROOT / "firmware_profiles" / "profiles" / "tuf_2000m@1.toml").read_text("utf-8")
    own = text.replace('id = "tuf_2000m"', 'id = "own_meter"')
    profile = RevisionProfile(file_name="own_meter@1.toml", text=own)
    changed = link(503).replace("tuf_2000m@1", "own_meter@1")
    order = ApplyConfig(number=1, settings=changed, profiles=(profile,))
    store.keep(1, signer.signed(signer.command(order)), order.settings)


def test_orders_on_a_full_disk_are_answered_and_the_meters_are_read_on(tmp_path: Path) -> None:
    signer = Signer()
    with (
        MeterServer(units={1: sound()}) as plant,
        Mosquitto(folder=tmp_path, lines=BROKER) as broker,
        LedgerServer(broker.port) as server,
    ):
        config = settings(tmp_path, broker.port, signer, link(plant.port))
        remote = config.data / FOLDER
        desk = OrderDesk(server=server, signer=signer)
        with running(lambda stop: run_gateway(config, SystemClock(), stop)):
            until(lambda: server.ledger)
            first = desk.ask(Ping())
            with no_room_for(remote / "handled.json"):
                full = desk.ask(ApplyConfig(number=1, settings=link(plant.port)))
            with no_room_for(remote / "state.json"):
                unkept = desk.ask(ApplyConfig(number=2, settings=link(plant.port)))
            for payload in (b'{"a":"\xed\xa0\x80"}', '{"a":"\\ud800"}'.encode("utf-16-le")):
                desk.send(payload)
            seen = len(server.ledger)
            until(lambda: len(server.ledger) > seen)
            after = desk.ask(GetConfig())

    assert first.outcome is CommandOutcome.DONE
    assert (full.outcome, full.code) == (CommandOutcome.REFUSED, "operation.failed")
    assert (unkept.outcome, unkept.code) == (CommandOutcome.REFUSED, "revision.settings")
    assert after.facts["revision"] == "0"
