"""Orders from afar over a real broker: obeyed once when signed, refused with a reason when not."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from typing_extensions import override

from edge_gateway import clock_trust
from edge_gateway.clock_io import KernelTime, SystemClock
from edge_gateway.queue.queue_store import read_figures
from edge_gateway.run import QUEUE_FILE, Machine, run_gateway
from tests.edge_gateway.order_rig import (
    GATEWAY,
    OrderDesk,
    Signer,
    link,
    now_utc,
    settings,
    sound,
)
from tests.edge_gateway.rig import LedgerServer, MeterServer, Mosquitto, running, until
from wire_contracts.gateway_commands import (
    ApplyConfig,
    CommandOutcome,
    GetConfig,
    IdentifyMeter,
    Ping,
    ReadNow,
    RollbackConfig,
)
from wire_contracts.topics import Channel

BROKER = "allow_anonymous true\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("orders")


@pytest.fixture(scope="module")
def desk(folder: Path) -> Iterator[OrderDesk]:
    """A gateway at work, and the desk that orders it about."""
    signer = Signer()
    with (
        MeterServer(units={1: sound()}) as plant,
        Mosquitto(folder=folder, lines=BROKER) as broker,
        LedgerServer(broker.port) as server,
    ):
        config = settings(folder, broker.port, signer, link(plant.port))
        with running(lambda stop: run_gateway(config, SystemClock(), stop)):
            until(lambda: server.ledger)
            yield OrderDesk(server=server, signer=signer)


def test_a_signed_order_is_answered(desk: OrderDesk) -> None:
    answer = desk.ask(Ping())

    assert answer.outcome is CommandOutcome.DONE


def test_a_meter_is_read_out_of_turn_and_its_frame_goes_the_usual_way(desk: OrderDesk) -> None:
    answer = desk.ask(ReadNow(meter="HM-1", group="fast"))

    assert answer.outcome is CommandOutcome.DONE
    assert "flow_m3h" in answer.facts


@pytest.mark.parametrize(
    ("order", "text"),
    [
        (ReadNow(meter="HM-9"), "'HM-9' is not on any link here"),
        (ReadNow(meter="HM-1", group="daily"), "'daily' is none of this meter's; use"),
        (
            RollbackConfig(number=4),
            "number: the gateway's own file is in force; there is no revision to leave",
        ),
        (ApplyConfig(number=1, settings="[mqtt]\nhost = 'x'"), "mqtt: is not changed from afar"),
        (ApplyConfig(number=1, settings="[[link]"), "file: is not TOML"),
        (
            ApplyConfig(number=1, settings="[gateway]\nid = 'gw-02'"),
            "gateway.id: is not changed from afar; change it in the gateway's own file",
        ),
        (
            ApplyConfig(number=1, settings=link(502).replace("tuf_2000m@1", "nobodys@9")),
            "there is no such profile",
        ),
        (
            ApplyConfig(number=1, settings=link(502, more="writes = true")),
            "writes: is not changed from afar",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_reason(
    desk: OrderDesk, order: ReadNow | RollbackConfig | ApplyConfig, text: str
) -> None:
    answer = desk.ask(order)

    assert answer.outcome is CommandOutcome.REFUSED
    assert text in answer.text
    assert desk.ask(GetConfig()).facts["revision"] == "0"


def test_the_same_order_twice_has_its_effect_once_and_two_answers(desk: OrderDesk) -> None:
    command = desk.signer.command(IdentifyMeter(meter="HM-1"))
    payload = desk.signer.sign(command)
    desk.send(payload)
    first = desk.wait(command.command_id)
    desk.send(payload)
    until(lambda: len(desk.answers(command.command_id)) == 2)

    assert desk.answers(command.command_id) == [first, first]


def test_an_order_of_a_key_nobody_trusts_is_refused(desk: OrderDesk) -> None:
    stranger = Signer()
    command = stranger.command(Ping())
    desk.send(stranger.sign(command))
    answer = desk.wait(command.command_id)

    assert (answer.outcome, answer.code) == (CommandOutcome.REFUSED, "signature.untrusted")


def test_an_order_that_was_changed_on_its_way_is_refused(desk: OrderDesk) -> None:
    command = desk.signer.command(Ping())
    other = desk.signer.sign(desk.signer.command(GetConfig()))
    forged = desk.signer.sign(command)
    start, end = forged.index(b'"sig"'), len(forged)
    desk.send(forged[:start] + other[other.index(b'"sig"') :][: end - start])
    answer = desk.wait(command.command_id)

    assert (answer.outcome, answer.code) == (CommandOutcome.REFUSED, "signature.invalid")


def test_an_order_for_another_gateway_is_refused(desk: OrderDesk) -> None:
    command = desk.signer.command(Ping(), gateway_id="gw-02")
    desk.send(desk.signer.sign(command), gateway_id=GATEWAY)
    answer = desk.wait(command.command_id)

    assert (answer.outcome, answer.code) == (CommandOutcome.REFUSED, "command.addressee")


@pytest.mark.parametrize(
    ("age", "code"),
    [(timedelta(hours=2), "command.expired"), (timedelta(hours=-2), "command.early")],
)
def test_an_order_out_of_its_time_is_refused(desk: OrderDesk, age: timedelta, code: str) -> None:
    command = desk.signer.command(Ping(), age=age)
    desk.send(desk.signer.sign(command))
    answer = desk.wait(command.command_id)

    assert (answer.outcome, answer.code) == (CommandOutcome.REFUSED, code)


def test_what_is_too_large_or_no_order_is_told_as_an_event(desk: OrderDesk) -> None:
    desk.send(b"{" + b" " * 70_000)
    until(lambda: any("command_refused" in each for each in desk.events()))

    assert any("has 70001 bytes; send at most 65536" in each for each in desk.events())
    assert desk.ask(Ping()).outcome is CommandOutcome.DONE


def test_who_ordered_what_is_kept_on_the_gateway(desk: OrderDesk, folder: Path) -> None:
    desk.ask(ReadNow(meter="HM-1", group="fast"))

    audit = (folder / "gateway" / "remote" / "audit.jsonl").read_text()
    assert '"by":"engineer"' in audit
    assert '"what":"HM-1"' in audit


def test_the_queue_keeps_its_epoch_and_numbers_under_orders(desk: OrderDesk, folder: Path) -> None:
    before = read_figures(folder / "gateway" / QUEUE_FILE)
    desk.ask(Ping())
    desk.ask(ReadNow(meter="HM-1"))
    until(lambda: read_figures(folder / "gateway" / QUEUE_FILE).last_seq > before.last_seq)

    assert read_figures(folder / "gateway" / QUEUE_FILE).epoch == before.epoch


class ClockBehind(SystemClock):
    """A clock that has lost two and a half hours."""

    @override
    def now_utc(self) -> datetime:
        return super().now_utc() - timedelta(hours=2.5)


class NobodyKeepsIt(KernelTime):
    """A machine that no time server has reached."""

    @override
    def is_synchronised(self) -> bool:
        return False


def test_an_order_waits_until_it_is_known_what_has_expired(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock_trust, "WORDS_APART_MS", 200)
    signer = Signer()
    with (
        MeterServer(units={1: sound()}) as plant,
        Mosquitto(folder=tmp_path, lines=BROKER) as broker,
        LedgerServer(broker.port) as server,
    ):
        desk = OrderDesk(server=server, signer=signer)
        config = settings(tmp_path, broker.port, signer, link(plant.port))
        machine = Machine(time_source=NobodyKeepsIt())
        old = signer.command(Ping(), age=timedelta(hours=3), life=timedelta(hours=1))
        fresh = signer.command(Ping())
        with running(lambda stop: run_gateway(config, ClockBehind(), stop, machine=machine)):
            until(lambda: server.payloads(Channel.HEALTH))
            desk.send(signer.sign(old))
            desk.send(signer.sign(fresh))
            seen = len(server.payloads(Channel.HEALTH))
            until(lambda: len(server.payloads(Channel.HEALTH)) > seen)
            before = [*desk.answers(old.command_id), *desk.answers(fresh.command_id)]

            def has_answered() -> bool:
                server.tell_time(GATEWAY, now_utc())
                return bool(desk.answers(old.command_id) and desk.answers(fresh.command_id))

            until(has_answered)
            expired, done = desk.wait(old.command_id), desk.wait(fresh.command_id)

    assert before == []
    assert (expired.outcome, expired.code) == (CommandOutcome.REFUSED, "command.expired")
    assert done.outcome is CommandOutcome.DONE
