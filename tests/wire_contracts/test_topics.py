"""Topics: what is said where, and by whom."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire_contracts.errors import ContractError
from wire_contracts.topics import Channel, Topic, check_gateway_id, parse_topic, partition_of

gateway_ids = st.from_regex(r"[a-z0-9-]{1,32}", fullmatch=True)


@given(gateway_ids, st.sampled_from(Channel))
def test_a_topic_is_read_back_as_it_was_written(gateway_id: str, channel: Channel) -> None:
    topic = Topic(gateway_id=gateway_id, channel=channel)

    assert parse_topic(topic.text()) == topic


@given(gateway_ids)
def test_the_partition_is_the_checksum_modulo_64(gateway_id: str) -> None:
    assert partition_of(gateway_id) == zlib.crc32(gateway_id.encode()) % 64


def test_a_topic_has_two_digits_of_partition() -> None:
    assert Topic(gateway_id="gw-07", channel=Channel.UP).text() == (
        f"lamp/v1/{zlib.crc32(b'gw-07') % 64:02d}/gw-07/up"
    )


@pytest.mark.parametrize(
    "text",
    ["", "lamp/v1/1/gw/up", "lamp/v2/01/gw/up", "lamp/v1/01/GW/up", "lamp/v1/01/gw/other", "a/b"],
)
def test_another_topic_is_refused(text: str) -> None:
    with pytest.raises(ContractError, match="is not lamp/v1/"):
        parse_topic(text)


def test_a_wrong_partition_is_refused_with_the_right_one() -> None:
    right = partition_of("gw-07")
    wrong = (right + 1) % 64

    with pytest.raises(ContractError, match=f"publish to partition {right:02d}"):
        parse_topic(f"lamp/v1/{wrong:02d}/gw-07/up")


@pytest.mark.parametrize("text", ["", "GW", "a" * 33, "gw_1", "gw/1", "gw 1"])
def test_a_gateway_id_with_other_characters_is_refused(text: str) -> None:
    with pytest.raises(ContractError, match="is not a gateway id"):
        check_gateway_id(text, place="gateway.toml", field="gateway.id")
