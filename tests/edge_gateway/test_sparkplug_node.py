"""What hosts hear is a correct Sparkplug session, and never a value that was not good."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from edge_gateway.sparkplug.node import (
    EVENTS,
    Message,
    Node,
    NodeName,
    asks_rebirth,
    bear_node,
    death_certificate,
    device_id,
    tell_frame,
)
from edge_gateway.sparkplug.payload import (
    Metric,
    Payload,
    SparkplugQuality,
    parse_payload,
)
from wire_contracts.frames import Frame, TimeQuality, ms_from_utc
from wire_contracts.quality import BAD_TIMEOUT, QualityCode
from wire_contracts.quantities import Quantity

NAME = NodeName(group_id="town", node_id="gw-1")
BIRTH = datetime(2026, 1, 1, 12, tzinfo=UTC)
BIRTH_MS = ms_from_utc(BIRTH)
FLOW, VOLUME = Quantity.FLOW_M3H, Quantity.VOLUME_M3


def frame(
    minutes: int = 0,
    *,
    device: str = "W-1",
    values: dict[Quantity, float] | None = None,
    quality: dict[Quantity, QualityCode] | None = None,
    time_quality: TimeQuality = TimeQuality.SANE,
) -> Frame:
    return Frame(
        seq=1,
        device=device,
        measured_at_utc=BIRTH + timedelta(minutes=minutes),
        profile="x@1",
        group="fast",
        values={FLOW: 1.5} if values is None else values,
        quality={} if quality is None else quality,
        time_quality=time_quality,
    )


SILENCE: dict[Quantity, QualityCode] = {FLOW: BAD_TIMEOUT}


def session(*frames: Frame) -> tuple[Node, list[tuple[str, Payload]]]:
    node, births = bear_node(Node(name=NAME, bd_seq=7), BIRTH_MS)
    messages: list[Message] = list(births)
    for each in frames:
        node, said = tell_frame(node, each, BIRTH_MS)
        messages.extend(said)
    return node, heard(messages)


def heard(messages: Sequence[Message]) -> list[tuple[str, Payload]]:
    return [(each.topic.split("/")[2], parse_payload(each.payload)) for each in messages]


def verbs(said: Sequence[tuple[str, Payload]]) -> list[str]:
    return [verb for verb, _ in said]


def test_a_session_begins_with_the_nodes_birth_and_its_number() -> None:
    _, said = session()

    assert verbs(said) == ["NBIRTH"]
    assert said[0][1].seq == 0
    assert [(m.name, m.value) for m in said[0][1].metrics] == [
        ("bdSeq", 7),
        ("Node Control/Rebirth", False),
    ]


def test_the_death_certificate_carries_the_births_number_and_no_sequence() -> None:
    payload = parse_payload(death_certificate(7))

    assert (payload.seq, payload.metrics[0].name, payload.metrics[0].value) == (None, "bdSeq", 7)


def test_a_meter_is_born_with_names_and_speaks_by_alias_afterwards() -> None:
    _, said = session(frame(0), frame(1, values={FLOW: 2.5}))

    assert verbs(said) == ["NBIRTH", "DBIRTH", "DDATA"]
    birth, data = said[1][1], said[2][1]
    named = {metric.alias: metric.name for metric in birth.metrics}
    assert named == {1: "flow_m3h", 2: EVENTS}
    assert [(m.name, m.alias, m.value) for m in data.metrics] == [(None, 1, 2.5), (None, 2, "")]


def test_a_quantity_never_told_before_needs_a_new_birth() -> None:
    _, said = session(frame(0), frame(1, values={VOLUME: 9.0}))

    assert verbs(said) == ["NBIRTH", "DBIRTH", "DBIRTH"]
    assert {(m.name, m.value) for m in said[2][1].metrics} == {
        ("flow_m3h", 1.5),
        ("volume_m3", 9.0),
        (EVENTS, ""),
    }


def test_what_was_measured_before_the_birth_is_historical_and_no_present_value() -> None:
    _, said = session(frame(-60))

    assert verbs(said) == ["NBIRTH", "DBIRTH", "DDATA"]
    assert [m.value for m in said[1][1].metrics] == [None, None]
    assert all(m.is_historical for m in said[2][1].metrics)
    assert said[2][1].metrics[0].value == 1.5


def test_a_late_frame_is_historical_and_a_rebirth_keeps_the_newer_value() -> None:
    node, said = session(frame(5), frame(1, values={FLOW: 9.0}))

    _, again = bear_node(node, BIRTH_MS + 1)

    assert all(m.is_historical for m in said[-1][1].metrics)
    reborn = heard(again)[1][1]
    assert {m.name: m.value for m in reborn.metrics}["flow_m3h"] == 1.5


def test_a_meter_that_answers_nothing_dies_once_and_is_born_again() -> None:
    silent = [frame(n, values={}, quality=SILENCE) for n in (1, 2)]

    _, said = session(frame(0), *silent, frame(3))

    assert verbs(said) == ["NBIRTH", "DBIRTH", "DDEATH", "DBIRTH"]


def test_a_meter_that_never_answered_is_not_mentioned() -> None:
    _, said = session(frame(0, values={}, quality=SILENCE))

    assert verbs(said) == ["NBIRTH"]


def test_old_silence_does_not_bury_a_meter_that_answers_now() -> None:
    _, said = session(frame(5), frame(1, values={}, quality=SILENCE))

    assert verbs(said) == ["NBIRTH", "DBIRTH"]


def test_a_bad_quantity_has_no_value_and_a_doubtful_one_is_bad_to_hosts() -> None:
    _, said = session(
        frame(
            0,
            values={VOLUME: 3.0},
            quality={FLOW: QualityCode("bad_sentinel"), VOLUME: QualityCode("suspect_rate")},
        )
    )

    told = {m.name: m for m in said[1][1].metrics}
    assert told["flow_m3h"].value is None
    assert told["volume_m3"].value == 3.0
    assert told["volume_m3"].quality is SparkplugQuality.BAD
    assert told["volume_m3"].texts == {"lamplighter_quality": "suspect_rate"}


def test_a_time_that_nobody_trusts_is_not_told() -> None:
    _, said = session(frame(0, time_quality=TimeQuality.BOOT_RELATIVE))

    assert verbs(said) == ["NBIRTH"]


def test_a_rebirth_repeats_every_birth_with_the_same_number() -> None:
    node, _ = session(frame(0), frame(0, device="W-2"))

    node, again = bear_node(node, BIRTH_MS + 60_000)

    said = heard(again)
    assert verbs(said) == ["NBIRTH", "DBIRTH", "DBIRTH"]
    assert [payload.seq for _, payload in said] == [0, 1, 2]
    assert said[0][1].metrics[0].value == 7
    assert node.next_seq == 3


def test_only_a_rebirth_that_is_true_is_a_command() -> None:
    wanted = Metric(name="Node Control/Rebirth", value=True)

    assert asks_rebirth(Payload(metrics=[wanted]))
    assert not asks_rebirth(Payload(metrics=[Metric(name="Node Control/Rebirth", value=False)]))
    assert not asks_rebirth(Payload(metrics=[Metric(name="setpoint", value=1)]))


@given(st.text(max_size=20), st.text(max_size=20))
def test_two_serials_never_share_a_device_id(one: str, other: str) -> None:
    assert not set(device_id(one)) & set("/+#")
    assert (device_id(one) == device_id(other)) is (one == other)


FRAMES = st.builds(
    frame,
    st.integers(-30, 30),
    device=st.sampled_from(["W-1", "W-2"]),
    values=st.sampled_from([{}, {FLOW: 1.0}, {VOLUME: 2.0}, {FLOW: 1.0, VOLUME: 2.0}]),
    quality=st.sampled_from([{}, SILENCE]),
).map(lambda each: each if each.values.keys().isdisjoint(each.quality) else frame(0))


@given(st.lists(FRAMES, max_size=300))
def test_every_session_is_one_that_a_host_can_follow(frames: list[Frame]) -> None:
    _, said = session(*frames)

    named: set[int] = set()
    last_ms: dict[tuple[str, int], int] = {}
    assert [payload.seq for _, payload in said] == [n % 256 for n in range(len(said))]
    for verb, payload in said[1:]:
        for metric in payload.metrics:
            assert metric.alias is not None
            if verb == "DBIRTH":
                named.add(metric.alias)
            assert metric.alias in named
            if verb == "DDATA" and not metric.is_historical:
                assert (metric.timestamp_ms or 0) >= last_ms.get((verb, metric.alias), 0)
                last_ms[verb, metric.alias] = metric.timestamp_ms or 0
