"""A host is there when it says so, and no stray message changes that."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_gateway.sparkplug.host import HostState, hear_host

ONLINE = HostState(is_online=True, at_ms=10)


def state(*, is_online: bool, at_ms: int) -> bytes:
    return json.dumps({"online": is_online, "timestamp": at_ms}).encode()


def test_a_host_is_not_there_until_it_says_so() -> None:
    assert not HostState().is_online
    assert hear_host(HostState(), state(is_online=True, at_ms=10)) == ONLINE


def test_the_will_of_a_former_connection_does_not_end_the_present_one() -> None:
    assert hear_host(ONLINE, state(is_online=False, at_ms=9)) == ONLINE
    assert not hear_host(ONLINE, state(is_online=False, at_ms=10)).is_online


@pytest.mark.parametrize(
    "payload",
    [
        b"ONLINE",
        b"[]",
        b'{"online":1,"timestamp":11}',
        b'{"online":false}',
        b'{"online":false,"timestamp":true}',
        b'{"online":false,"timestamp":"11"}',
        b"[" * 1000,
        state(is_online=False, at_ms=11) + b" " * 1024,
    ],
)
def test_what_is_no_state_message_changes_nothing(payload: bytes) -> None:
    assert hear_host(ONLINE, payload) == ONLINE


@given(st.binary(max_size=60))
def test_no_bytes_break_it(payload: bytes) -> None:
    assert hear_host(ONLINE, payload).at_ms >= ONLINE.at_ms
