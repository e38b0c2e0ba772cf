"""A gateway's health: what it says survives the wire, what an older one leaves out is no error."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire_contracts.errors import ContractError
from wire_contracts.gateway_health import (
    GatewayHealth,
    LinkHealth,
    MeterHealth,
    QueueHealth,
    SettingsHealth,
    UplinkHealth,
    dump_health,
    parse_health,
)
from wire_contracts.payloads import unpack

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
EMPTY = QueueHealth(epoch=1, last_seq=0, open_count=0, open_bytes=0, kept_count=0, kept_bytes=0)
IDLE = UplinkHealth(published=0, republished=0, acknowledged=0, refused=0)

counts = st.integers(0, 2**40)
words = st.text(st.characters(codec="ascii", min_codepoint=33), min_size=1, max_size=12)
moments = st.integers(0, 10**9).map(lambda seconds: NOON - timedelta(seconds=seconds % 10**8))
shares = st.none() | st.floats(0, 1)
meters = st.lists(
    st.builds(MeterHealth, serial=words, good_at_utc=st.none() | moments),
    max_size=4,
    unique_by=lambda meter: meter.serial,
).map(lambda found: tuple(sorted(found, key=lambda meter: meter.serial)))
links = st.builds(
    LinkHealth,
    name=words,
    is_open=st.booleans(),
    requests=counts,
    timeouts=counts,
    exceptions=counts,
    mismatches=counts,
    crc_errors=counts,
    late_answers=counts,
    probes=counts,
    reopens=counts,
    frames=counts,
    skipped=counts,
    suspects=st.lists(words, max_size=3).map(tuple),
    load=shares,
    p50_ms=shares,
    p99_ms=shares,
    meters=meters,
)
healths = st.builds(
    GatewayHealth,
    gateway_id=st.from_regex(r"[a-z0-9-]{1,32}", fullmatch=True),
    at_utc=moments,
    queue=st.builds(
        QueueHealth,
        epoch=counts,
        last_seq=counts,
        open_count=counts,
        open_bytes=counts,
        kept_count=counts,
        kept_bytes=counts,
        oldest_at_utc=st.none() | moments,
    ),
    uplink=st.builds(
        UplinkHealth,
        is_connected=st.just(value=True),
        published=counts,
        republished=counts,
        acknowledged=counts,
        refused=counts,
        late=st.none() | counts,
    ),
    links=st.lists(links, max_size=3).map(tuple),
    settings=st.builds(
        SettingsHealth,
        revision=counts,
        is_on_trial=st.booleans(),
        fingerprint=st.just("") | st.just("ab" * 32),
        certificate_until_utc=st.none() | moments,
    ),
    clock=st.sampled_from(["", "sane"]),
)


@given(healths)
def test_health_survives_the_wire(sent: GatewayHealth) -> None:
    assert parse_health(unpack("health", dump_health(sent))) == sent


def test_what_an_older_gateway_leaves_out_is_not_said() -> None:
    payload = (
        b'{"v":1,"gw":"gw-07","t":1795348800000,"queue":{"ep":1,"last":0,"open":0,"open_bytes":0,'
        b'"kept":0,"kept_bytes":0},"uplink":{"published":0,"republished":0,"acknowledged":0,'
        b'"refused":0},"links":[]}'
    )

    health = parse_health(unpack("health", payload))

    assert health == GatewayHealth(gateway_id="gw-07", at_utc=NOON, queue=EMPTY, uplink=IDLE)


def test_the_silent_meters_of_all_links_are_named_once() -> None:
    link = LinkHealth(
        name="a",
        is_open=True,
        requests=0,
        timeouts=0,
        exceptions=0,
        mismatches=0,
        reopens=0,
        frames=0,
        skipped=0,
        suspects=("HM-2", "HM-1"),
    )
    health = GatewayHealth(
        gateway_id="gw-07", at_utc=NOON, queue=EMPTY, uplink=IDLE, links=(link, link)
    )

    assert health.silent_meters() == ("HM-1", "HM-2")


@given(st.binary(max_size=200))
def test_noise_is_refused_and_nothing_else(noise: bytes) -> None:
    with pytest.raises(ContractError):
        parse_health(unpack("health", noise))
