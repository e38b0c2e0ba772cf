"""Stored words decoded again: what a higher revision finds, what it withdraws, what it leaves."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_profiles.__main__ import main
from firmware_profiles.decode import decode_group
from firmware_profiles.encode import encode_values
from firmware_profiles.errors import WordsError
from firmware_profiles.library_io import load_profile
from firmware_profiles.probe import MeantMeter
from firmware_profiles.profile import Profile
from firmware_profiles.redecode import Redecoder
from firmware_profiles.spans import group_spans
from firmware_profiles.words import pack_words, unpack_words
from tests.firmware_profiles.profile_text import FLOW, HEAD, parsed, register
from wire_contracts.frames import Frame
from wire_contracts.meter_frames import (
    UNKNOWN_DEVICE,
    MeterFrame,
    dump_meter_frame,
    parse_meter_frame,
)
from wire_contracts.quality import BAD_MISMATCH, BAD_PROFILE, SUSPECT_RATE, SUSPECT_STATUS
from wire_contracts.quantities import Quantity

AT = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)
FIRST = parsed(HEAD + FLOW)
Q = Quantity


def line(words: dict[tuple[int, int], int], group: str = "fast", **changed: object) -> MeterFrame:
    frame = Frame(
        seq=1,
        device="D-1",
        measured_at_utc=AT,
        profile=FIRST.reference,
        group=group,
        values={},
        raw=pack_words(words),
    )
    return MeterFrame(meter_id="M-1", frame=replace(frame, **changed))  # type: ignore[arg-type]


def again(profile: Profile, *lines: MeterFrame, former: Profile | None = FIRST) -> list[Frame]:
    decoder = Redecoder(profile=replace(profile, revision=2), former_of=lambda _: former)
    return [decoder.redecode(each).frame for each in lines]


TEN = {(3, 10): 0x4120, (3, 11): 0}


def test_another_scale_gives_another_value_and_the_words_are_left_behind() -> None:
    second = parsed(HEAD + FLOW.replace('type = "f32"', 'type = "f32"\nscale = "0.1"'))

    (frame,) = again(second, line(TEN))

    assert frame.values == {Q.FLOW_M3H: 1.0}
    assert (frame.profile, frame.raw, frame.measured_at_utc) == ("example_heat@2", None, AT)


def test_a_quantity_that_now_lies_elsewhere_loses_its_value() -> None:
    second = parsed(HEAD + FLOW.replace("address = 10", "address = 50"))

    (frame,) = again(second, line(TEN))

    assert (frame.values, frame.quality) == ({}, {Q.FLOW_M3H: BAD_PROFILE})


def test_a_quantity_of_another_group_is_left_as_it_was() -> None:
    other = register(
        "energy",
        50,
        'count = 2\ntype = "u32"\nunit = "kWh"\nquantity = "energy_heat"\ngroup = "fast"',
    )
    both = parsed(HEAD + FLOW + other)

    (frame,) = again(both, line(TEN), former=both)

    assert (frame.values, frame.quality) == ({Q.FLOW_M3H: 10.0}, {})


def test_a_group_that_was_renamed_is_found_by_its_words() -> None:
    second = parsed(HEAD + FLOW)

    (frame,) = again(second, line(TEN, group="quick"), former=None)

    assert frame.values == {Q.FLOW_M3H: 10.0}


def test_a_status_that_was_never_read_makes_the_value_doubtful_not_bad() -> None:
    status = (
        register("errors", 20, 'count = 1\ntype = "bitfield16"')
        + '\n[[status]]\nregister = "errors"\nname = "n"\nevent = "meter_error"\nbit = 0\n'
        'severity = "fault"\n'
    )

    (frame,) = again(parsed(HEAD + FLOW + status), line(TEN))

    assert frame.values == {Q.FLOW_M3H: 10.0}
    assert frame.quality == {Q.FLOW_M3H: SUSPECT_STATUS}


def test_a_validity_rule_on_words_that_were_never_read_leaves_the_value_as_it_was() -> None:
    need = 'valid_if = [{ register = "step", min = 3 }]'
    step = register("step", 30, 'count = 1\ntype = "u16"')
    second = parsed(HEAD + FLOW + need + "\n" + step)

    (unread,) = again(second, line(TEN))
    (frame,) = again(second, line({**TEN, (3, 30): 2}))

    assert (unread.values, unread.quality) == ({}, {})
    assert frame.quality == {Q.FLOW_M3H: "bad_sentinel"}


@pytest.mark.parametrize("is_refused", [True, False])
def test_what_the_gateway_refused_as_a_strangers_stays_refused(*, is_refused: bool) -> None:
    """The address at which a frame was asked is not in it."""
    guard = '\n[guard]\nregister = "unit_id"\nequals = "device_address"\n' + register(
        "unit_id", 12, 'count = 1\ntype = "u16"'
    )
    second = parsed(HEAD + FLOW + guard)
    stored = line({**TEN, (3, 12): 9}, quality={Q.FLOW_M3H: BAD_MISMATCH} if is_refused else {})

    (frame,) = again(second, stored)

    assert frame.values == ({} if is_refused else {Q.FLOW_M3H: 10.0})
    assert frame.quality == ({Q.FLOW_M3H: BAD_MISMATCH} if is_refused else {})


def test_words_of_another_meter_give_no_value_where_the_guard_sees_it() -> None:
    guard = '\n[guard]\nregister = "serial"\nequals = "serial"\n' + register(
        "serial", 40, 'count = 1\ntype = "u16"'
    )
    second = parsed(HEAD + FLOW + guard)
    words = {**TEN, (3, 40): 77}

    (wrong,) = again(second, line(words))
    (right,) = again(second, line(words, device="77"))
    (unread,) = again(second, line(TEN))
    (unknown,) = again(second, line(words, device=UNKNOWN_DEVICE))

    assert wrong.quality == {Q.FLOW_M3H: BAD_MISMATCH}
    assert right.values == unread.values == unknown.values == {Q.FLOW_M3H: 10.0}


def test_a_jump_between_two_polls_is_doubted_as_in_the_gateway() -> None:
    second = parsed(HEAD + FLOW + 'max_rate = "5"\n')
    later = line({(3, 10): 0x42C8, (3, 11): 0}, measured_at_utc=AT + timedelta(hours=1))

    first, jumped = again(second, line(TEN), later)

    assert first.quality == {}
    assert (jumped.values, jumped.quality) == ({Q.FLOW_M3H: 100.0}, {Q.FLOW_M3H: SUSPECT_RATE})


@pytest.mark.parametrize("order", ["ABCD", "CDAB"])
def test_the_byte_order_that_was_found_for_the_meter_decodes_its_frames_again(order: str) -> None:
    profile = load_profile("cn_precession_vortex@1")
    words = encode_values(
        load_profile(f"cn_precession_vortex@1+{order}"), {Q.VOLUME_BASE_M3: 123487.5}
    )
    sent = line(words, profile=f"cn_precession_vortex@1+{order}")

    frame = Redecoder(profile=profile, former_of=lambda _: None).redecode(sent).frame

    assert frame.profile == f"cn_precession_vortex@1+{order}"
    assert frame.values[Q.VOLUME_BASE_M3] == 123487.5


def test_a_frame_without_words_or_with_broken_ones_says_so() -> None:
    decoder = Redecoder(profile=FIRST, former_of=lambda _: None)

    with pytest.raises(WordsError, match="raw: is missing; export the words"):
        decoder.redecode(line(TEN, raw=None))
    with pytest.raises(WordsError, match="cut short"):
        decoder.redecode(line(TEN, raw=b"\3"))


@given(flow=st.floats(-50, 50, width=32), total=st.integers(0, 2**31 - 1))
def test_the_same_profile_finds_the_same_values_again(flow: float, total: int) -> None:
    profile = load_profile("tuf_2000m@1")
    words = encode_values(profile, {Q.FLOW_M3H: flow, Q.VOLUME_M3: float(total)})
    wanted = {at for span in group_spans(profile, "fast") for at in span.addresses()}
    image = {at: word for at, word in words.items() if at in wanted}
    decoder = Redecoder(profile=profile, former_of=lambda _: profile)

    frame = decoder.redecode(line(image)).frame

    decoded = decode_group(profile, "fast", image, {}, MeantMeter(device_address=1, serial="D-1"))
    assert (frame.values, frame.quality) == (decoded.values, decoded.quality)
    assert unpack_words(pack_words(image)) == image


def test_the_command_writes_what_it_can_and_names_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frames, out = tmp_path / "frames.jsonl", tmp_path / "out.jsonl"
    profile = load_profile("twoflow_mag11@1")
    words = encode_values(profile, {Q.FLOW_M3H: 1.5})
    good = dump_meter_frame(line(words, profile="twoflow_mag11@1"))
    frames.write_bytes(good + b"\n\nnonsense\n" + dump_meter_frame(line(TEN)) + b"\n")

    status = main(["redecode", str(frames), "--profile", "twoflow_mag11@1", "--out", str(out)])

    (written,) = out.read_bytes().splitlines()
    assert status == 1
    assert parse_meter_frame("out", written).frame.values[Q.FLOW_M3H] == 1.5
    assert capsys.readouterr().err.replace(str(frames), "F") == (
        "F: line 3: line: is no JSON; write one JSON object of at most 65536 bytes per line\n"
        "F: line 4: raw: holds no register of twoflow_mag11@1; give the profile of this meter\n"
        "1 lines decoded, 2 not\n"
    )


def test_without_a_file_the_lines_are_printed(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    frames = tmp_path / "frames.jsonl"
    words = encode_values(load_profile("twoflow_mag11@1"), {Q.FLOW_M3H: 1.5})
    frames.write_bytes(dump_meter_frame(line(words)) + b"\n")

    status = main(["redecode", str(frames), "--profile", "twoflow_mag11@1"])

    printed = json.loads(capsysbinary.readouterr().out)
    assert (status, printed["p"], printed["v"]["flow_m3h"]) == (0, "twoflow_mag11@1", 1.5)


def test_a_file_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "none.jsonl"

    assert main(["redecode", str(missing), "--profile", "twoflow_mag11@1"]) == 2
    assert capsys.readouterr().err == (
        f"{missing}: file: No such file or directory; name a file that can be used\n"
    )
