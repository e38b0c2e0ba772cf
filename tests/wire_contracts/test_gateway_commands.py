"""Orders to a gateway: what survives the wire, and what is refused before anybody obeys it."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire_contracts.errors import ContractError
from wire_contracts.gateway_commands import (
    ApplyConfig,
    Command,
    CommandOutcome,
    CommandResult,
    GetConfig,
    IdentifyMeter,
    Order,
    Ping,
    ReadNow,
    RevisionProfile,
    RollbackConfig,
    SignedText,
    WriteRegister,
    bytes_to_sign,
    dump_command,
    dump_result,
    dump_signed,
    parse_command,
    parse_result,
    parse_signed,
)
from wire_contracts.payloads import pack, read_json, unpack

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)

plain = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40)
moments = st.integers(0, 70 * 365 * 86400).map(
    lambda seconds: datetime(2001, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
profiles = st.lists(
    st.builds(
        RevisionProfile,
        file_name=st.from_regex(r"[a-z][a-z0-9_]{0,9}@[1-9]\.toml", fullmatch=True),
        text=plain,
    ),
    max_size=3,
    unique_by=lambda profile: profile.file_name,
).map(tuple)
numbers = st.integers(1, 999_999_999)
orders: st.SearchStrategy[Order] = st.one_of(
    st.just(Ping()),
    st.just(GetConfig()),
    st.builds(ReadNow, meter=plain, group=st.none() | plain),
    st.builds(IdentifyMeter, meter=plain),
    st.builds(ApplyConfig, number=numbers, settings=plain, profiles=profiles),
    st.builds(RollbackConfig, number=numbers),
    st.builds(
        WriteRegister,
        meter=plain,
        register=plain,
        value=st.from_regex(r"-?[0-9]{1,9}(\.[0-9]{1,4})?", fullmatch=True),
    ),
)


@st.composite
def commands(draw: st.DrawFn) -> Command:
    created = draw(moments)
    return Command(
        command_id=draw(st.from_regex(r"[a-z0-9-]{8,40}", fullmatch=True)),
        gateway_id=draw(st.from_regex(r"[a-z0-9-]{1,32}", fullmatch=True)),
        created_at_utc=created,
        expires_at_utc=created + draw(st.integers(1, 30 * 86400)) * timedelta(seconds=1),
        by=draw(plain),
        order=draw(orders),
    )


def command(order: Order) -> Command:
    return Command(
        command_id="0000-0001",
        gateway_id="gw-07",
        created_at_utc=NOON,
        expires_at_utc=NOON + timedelta(hours=1),
        by="engineer",
        order=order,
    )


def parsed(body: str) -> Command:
    return parse_command(read_json("gateway gw-07 command", body.encode()))


@given(commands())
def test_a_command_survives_the_wire(sent: Command) -> None:
    assert parsed(dump_command(sent)) == sent


@given(st.text(min_size=1, max_size=60).filter(lambda text: max(text) < "\ud800"))
def test_a_signed_body_arrives_byte_for_byte(body: str) -> None:
    sent = SignedText(key_id="0123456789abcdef", body=body, signature=bytes(range(64)))
    received = parse_signed(unpack("cmd", pack(dump_signed(sent))))

    assert received == sent
    assert received.signed_bytes() == bytes_to_sign(body)


@given(st.binary(max_size=300))
def test_noise_is_refused_and_nothing_else(noise: bytes) -> None:
    with pytest.raises(ContractError):
        parse_signed(unpack("cmd", noise))


@given(st.dictionaries(st.sampled_from(["v", "id", "gw", "do", "by"]), st.none() | plain))
def test_a_mangled_body_is_refused_and_nothing_else(values: dict[str, str | None]) -> None:
    with pytest.raises(ContractError):
        parsed(json.dumps(values))


@given(
    st.builds(
        CommandResult,
        command_id=st.from_regex(r"[a-z0-9-]{8,40}", fullmatch=True),
        gateway_id=st.from_regex(r"[a-z0-9-]{1,32}", fullmatch=True),
        at_utc=moments,
        outcome=st.sampled_from(CommandOutcome),
        code=st.just("") | plain,
        text=st.just("") | plain,
        facts=st.dictionaries(plain, plain, max_size=4),
    )
)
def test_an_answer_survives_the_wire(sent: CommandResult) -> None:
    assert parse_result(unpack("res", pack(dump_result(sent)))) == sent


def changed(order: Order, **values: object) -> str:
    return json.dumps({**json.loads(dump_command(command(order))), **values})


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (changed(Ping(), hurry=True), r"hurry: is not a known field"),
        (changed(Ping(), meter="HM-1"), r"meter: is not a known field"),
        (changed(Ping(), do="explode"), r"do: 'explode' is not known here"),
        (changed(Ping(), id="short"), r"id: 'short' does not fit; give 8 to 40"),
        (changed(Ping(), expires=1_700_000_000_000), r"expires: is -\d+ days.* within 30 days"),
        (changed(Ping(), v=2), r"v: 2 is outside 1..1"),
        (changed(WriteRegister(meter="m", register="r", value="1"), value="1e9"), r"value: '1e9'"),
        (changed(ApplyConfig(number=1, settings="a"), number=0), r"number: 0 is outside 1"),
        (
            changed(
                ApplyConfig(number=1, settings="a"), profiles=[{"file": "../x@1.toml", "text": "a"}]
            ),
            r"profiles\[0\].file: '../x@1.toml' does not fit; give ID@REVISION.toml",
        ),
        (
            changed(
                ApplyConfig(number=1, settings="a"),
                profiles=[{"file": "x@1.toml", "text": "a"}, {"file": "x@1.toml", "text": "b"}],
            ),
            r"profiles: 'x@1.toml' occurs twice",
        ),
    ],
)
def test_what_is_not_an_order_is_refused_with_its_reason(body: str, reason: str) -> None:
    with pytest.raises(ContractError, match=reason):
        parsed(body)


def test_a_signature_of_another_length_is_refused() -> None:
    payload = b'{"v":1,"key":"0123456789abcdef","sig":"AAAA","body":"{}"}'

    with pytest.raises(ContractError, match="sig: is not base64 of 64 bytes; sign with Ed25519"):
        parse_signed(unpack("cmd", payload))


def test_more_facts_than_a_page_can_show_are_refused() -> None:
    result = CommandResult(
        command_id="0000-0001",
        gateway_id="gw-07",
        at_utc=NOON,
        outcome=CommandOutcome.DONE,
        facts={str(index): "x" for index in range(301)},
    )

    with pytest.raises(ContractError, match=r"facts.*has 301 facts; send at most 300"):
        parse_result(unpack("res", pack(dump_result(result))))
