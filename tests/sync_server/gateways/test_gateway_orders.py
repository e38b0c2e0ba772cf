"""Orders in the database: sent until answered, one last word, every step in the audit chain."""

import stat
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from edge_gateway.remote.trust import Trust
from sync_server.access.audit_store import list_audit, verify_audit
from sync_server.assets.asset_store import add_gateway
from sync_server.gateways.health_store import load_health, note_health
from sync_server.gateways.order_store import (
    add_order,
    due_orders,
    get_order,
    hurry,
    list_orders,
    mark_sent,
    next_number,
    note_result,
)
from sync_server.gateways.schedule import FIRST_PAUSE, LONGEST_PAUSE, next_send
from sync_server.gateways.signing_io import KeyFileError, load_key, new_key, public_line, sign
from sync_server.readings.inbox import Dropped, read_message
from tests.sync_server.real_parts import NOON
from wire_contracts.errors import ContractError
from wire_contracts.gateway_commands import (
    ApplyConfig,
    Command,
    CommandOutcome,
    CommandResult,
    Order,
    Ping,
    SignedText,
    dump_result,
    parse_signed,
)
from wire_contracts.gateway_health import GatewayHealth, QueueHealth, UplinkHealth, dump_health
from wire_contracts.payloads import unpack
from wire_contracts.topics import Channel, Topic

SECOND = timedelta(seconds=1)
HEALTH = GatewayHealth(
    gateway_id="gw-07",
    at_utc=NOON,
    queue=QueueHealth(epoch=1, last_seq=9, open_count=2, open_bytes=8, kept_count=0, kept_bytes=0),
    uplink=UplinkHealth(published=0, republished=0, acknowledged=0, refused=0),
)


def command(number: int, order: Order | None = None, *, gateway_id: str = "gw-07") -> Command:
    return Command(
        command_id=f"order-{number:04d}",
        gateway_id=gateway_id,
        created_at_utc=NOON,
        expires_at_utc=NOON + timedelta(hours=1),
        by="engineer",
        order=order or Ping(),
    )


def unsigned(number: int) -> SignedText:
    return SignedText(key_id="0" * 16, body=f"body {number}", signature=bytes(64))


def answer(
    number: int, outcome: CommandOutcome = CommandOutcome.DONE, *, gateway_id: str = "gw-07"
) -> CommandResult:
    return CommandResult(
        command_id=f"order-{number:04d}", gateway_id=gateway_id, at_utc=NOON, outcome=outcome
    )


def test_an_order_is_due_until_it_is_answered(engine: Engine) -> None:
    with engine.begin() as connection:
        add_order(connection, command(1), unsigned(1), NOON)
        first = due_orders(connection, NOON)
        mark_sent(connection, first, NOON)
        soon = due_orders(connection, NOON + SECOND)
        again = due_orders(connection, NOON + FIRST_PAUSE)
        is_new = note_result(connection, answer(1), NOON + FIRST_PAUSE)
        after = due_orders(connection, NOON + timedelta(minutes=30))
        record = get_order(connection, "order-0001")

    assert [order.command_id for order in first] == ["order-0001"]
    assert parse_signed(unpack("cmd", first[0].payload)) == unsigned(1)
    assert (soon, after) == ([], [])
    assert again == first
    assert is_new
    assert record is not None
    assert record.is_ended


def test_an_expired_order_is_not_sent_any_more(engine: Engine) -> None:
    with engine.begin() as connection:
        add_order(connection, command(1), unsigned(1), NOON)
        late = due_orders(connection, NOON + timedelta(hours=1))

    assert late == []


def test_a_gateway_that_comes_back_gets_its_orders_at_once(engine: Engine) -> None:
    with engine.begin() as connection:
        for number in (1, 2):
            add_order(connection, command(number), unsigned(number), NOON)
        mark_sent(connection, due_orders(connection, NOON), NOON)
        note_result(connection, answer(2), NOON)
        hurry(connection, "gw-07", NOON + SECOND)
        due = due_orders(connection, NOON + SECOND)

    assert [order.command_id for order in due] == ["order-0001"]


def test_an_accepted_order_is_asked_for_again_and_the_last_word_stays(engine: Engine) -> None:
    accepted = answer(1, CommandOutcome.ACCEPTED)
    with engine.begin() as connection:
        add_order(connection, command(1), unsigned(1), NOON)
        news = [note_result(connection, each, NOON) for each in (accepted, accepted)]
        due = due_orders(connection, NOON + LONGEST_PAUSE)
        news += [
            note_result(connection, each, NOON)
            for each in (answer(1, CommandOutcome.FAILED), answer(1), accepted)
        ]
        record = get_order(connection, "order-0001")

    assert news == [True, False, True, False, False]
    assert len(due) == 1
    assert record is not None
    assert record.result == answer(1, CommandOutcome.FAILED)


def test_a_gateway_cannot_answer_for_another(engine: Engine) -> None:
    with engine.begin() as connection:
        add_order(connection, command(1), unsigned(1), NOON)
        is_new = note_result(connection, answer(1, gateway_id="gw-08"), NOON)
        unknown = note_result(connection, answer(9), NOON)
        record = get_order(connection, "order-0001")

    assert (is_new, unknown) == (False, False)
    assert record is not None
    assert record.result is None


def test_revisions_are_numbered_for_each_gateway(engine: Engine) -> None:
    with engine.begin() as connection:
        before = next_number(connection, "gw-07")
        add_order(connection, command(1, ApplyConfig(number=4, settings="a")), unsigned(1), NOON)
        after = next_number(connection, "gw-07")
        other = next_number(connection, "gw-08")

    assert (before, after, other) == (1, 5, 1)


def test_orders_and_answers_are_events_of_a_whole_audit_chain(engine: Engine) -> None:
    with engine.begin() as connection:
        add_order(connection, command(1), unsigned(1), NOON)
        note_result(connection, answer(1), NOON)
        events = list_audit(connection)
        verdict = verify_audit(connection)

    assert [(event.actor, event.action, event.subject) for event in events] == [
        ("gateway gw-07", "gateway.answer", "order-0001"),
        ("engineer", "gateway.order", "order-0001"),
    ]
    assert verdict.is_whole


def test_the_newest_orders_come_first_and_of_one_gateway_alone(engine: Engine) -> None:
    with engine.begin() as connection:
        add_order(connection, command(1), unsigned(1), NOON)
        add_order(connection, command(2, gateway_id="gw-08"), unsigned(2), NOON)
        found = list_orders(connection, "gw-08")

    assert [order.command_id for order in found] == ["order-0002"]


def test_the_newest_health_of_a_known_gateway_is_kept(engine: Engine) -> None:
    with engine.begin() as connection:
        note_health(connection, HEALTH, NOON)
        unknown = dict(load_health(connection))
        add_gateway(connection, "gw-07", "cellar", NOON)
        note_health(connection, HEALTH, NOON)
        note_health(connection, HEALTH, NOON + SECOND)
        known = dict(load_health(connection))

    assert unknown == {}
    assert known == {"gw-07": HEALTH}


def topic(channel: Channel) -> str:
    return Topic(gateway_id="gw-07", channel=channel).text()


def test_health_and_answers_are_read_from_their_channels() -> None:
    health = read_message(topic(Channel.HEALTH), dump_health(HEALTH))
    result = read_message(topic(Channel.RES), dump_result(answer(1)))

    assert (health, result) == (HEALTH, answer(1))


@pytest.mark.parametrize("channel", [Channel.HEALTH, Channel.RES])
@given(noise=st.binary(max_size=80))
def test_health_that_cannot_be_read_is_dropped_and_not_kept(channel: Channel, noise: bytes) -> None:
    assert isinstance(read_message(topic(channel), noise), Dropped)


def test_health_in_another_gateways_name_is_dropped() -> None:
    other = Topic(gateway_id="gw-08", channel=Channel.HEALTH).text()
    found = read_message(other, dump_health(HEALTH))

    assert isinstance(found, Dropped)
    assert "is 'gw-07' on the topic of 'gw-08'" in found.reason


@given(st.integers(0, 10_000))
def test_an_order_goes_again_later_and_later_and_never_too_late(sent: int) -> None:
    pause = next_send(sent, NOON) - NOON

    assert FIRST_PAUSE <= pause <= LONGEST_PAUSE
    assert pause <= next_send(sent + 1, NOON) - NOON


def test_a_gateway_believes_what_the_key_file_signs(tmp_path: Path) -> None:
    file = tmp_path / "engineer.key"
    line = new_key(file)
    signed = sign(command(1), load_key(file))
    forged = SignedText(
        key_id=signed.key_id, body=signed.body.replace("ping", "pong"), signature=signed.signature
    )

    Trust([line]).check(signed, "test")
    with pytest.raises(ContractError, match="does not fit the body"):
        Trust([line]).check(forged, "test")
    with pytest.raises(ContractError, match="is not trusted here"):
        Trust([]).check(signed, "test")
    assert public_line(load_key(file)) == line
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_key_file_is_never_overwritten_and_never_read_when_others_may(tmp_path: Path) -> None:
    file = tmp_path / "engineer.key"
    new_key(file)
    before = file.read_bytes()

    with pytest.raises(KeyFileError, match="is there already; give another name"):
        new_key(file)
    assert file.read_bytes() == before
    file.chmod(0o644)
    with pytest.raises(KeyFileError, match="others may read it; chmod 600 it"):
        load_key(file)
    file.write_text("no key")
    file.chmod(0o600)
    with pytest.raises(KeyFileError, match="is no private key"):
        load_key(file)
