"""The pure decisions of the sync: tokens, merge, event time."""

import contextlib
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_server.sync.event_time import BootTimes, corrected_time
from sync_server.sync.inbox import canonical, quick_json
from sync_server.sync.merge import Kept, Owner, merge_field, owner_of
from sync_server.sync.tokens import Cursor, Position, dump_token, mark_of, parse_token
from tests.sync_server.real_parts import NOON
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc
from wire_contracts.operations import (
    DeviceTime,
    Operation,
    OperationKind,
    Outcome,
    operation_json,
)
from wire_contracts.orders import APPENDED, FIELD_OWNED, OFFICE_OWNED
from wire_contracts.payloads import dump_json, read_json

WORDS = st.text(alphabet="ab\n", max_size=6)
BUCKETS = st.from_regex(r"(org|crew:[a-z0-9~%-]{1,12}|area:[a-z0-9~E7-]{1,12})", fullmatch=True)
NUMBERS = st.integers(0, 2**53)
NOON_MS = ms_from_utc(NOON)
DAY_MS = 86_400_000


@given(
    epoch=st.integers(0, 2**63 - 1),
    positions=st.dictionaries(
        BUCKETS.map(mark_of), st.builds(Position, pos=NUMBERS, floor=NUMBERS)
    ),
    key_id=st.sampled_from(["", "0123456789abcdef"]),
)
def test_a_token_comes_back_as_it_was(
    epoch: int, positions: dict[str, Position], key_id: str
) -> None:
    cursor = Cursor(server_epoch=epoch, positions=positions, key_id=key_id)

    assert parse_token(dump_token(cursor)) == cursor


@given(
    old=st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    new=st.text(st.characters(codec="utf-8")),
)
def test_the_hash_of_an_operation_is_over_the_same_bytes_whoever_writes_them(
    old: str | float | None, new: str
) -> None:
    operation = Operation(
        op_id=str(UUID(int=1)),
        n=1,
        group=str(UUID(int=2)),
        actor=new,
        kind=OperationKind.SET,
        entity="work_order",
        entity_id="o-1",
        at=DeviceTime(wall_ms=1, mono_ms=2, boot_id=new, offset_ms=-3),
        field="note",
        old=old,
        new=new,
    )

    assert canonical(operation) == dump_json(operation_json(operation))


@given(st.integers(-(2**80), 2**80) | st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_the_same_whichever_reader_reads_it(number: float) -> None:
    text = f'{{"n": {number!r}}}'.encode()

    found = read_json("push", text, quick_json).values["n"]

    assert (type(found), found) == (type(number), number)


def test_a_token_of_the_first_version_is_still_understood() -> None:
    cursor = parse_token("1~71~area:a%7E%25b~5~9~crew:c~5~~org~5~")

    assert cursor == Cursor(
        server_epoch=71,
        positions={
            mark_of("area:a~%b"): Position(pos=5, floor=9),
            mark_of("crew:c"): Position(pos=5),
            mark_of("org"): Position(pos=5),
        },
    )


def test_the_token_of_an_idle_tablet_with_six_people_is_short() -> None:
    marks = [mark_of(f"user:{UUID(int=number)}") for number in range(6)]
    positions = dict.fromkeys([*marks, mark_of("org"), mark_of("crew:7")], Position(pos=10**9))
    cursor = Cursor(server_epoch=2**63 - 1, positions=positions, key_id="0123456789abcdef")

    assert len(dump_token(cursor)) <= 90


@given(token=st.text(max_size=60).filter(lambda text: text[:2] not in {"1~", "2~"}))
def test_any_other_text_is_refused_with_the_way_out(token: str) -> None:
    with pytest.raises(ContractError, match="pull without a token to start anew") as caught:
        parse_token(token)
    assert caught.value.code is Code.PULL_RESET


@given(
    version=st.sampled_from(["1", "2"]),
    parts=st.lists(
        st.sampled_from(["1", "org", "7", "", "-3", "x", "AbCdEf", "AbCdEfGh", "5.2", "5.", "z9"]),
        max_size=9,
    ),
)
def test_a_token_that_was_cut_or_forged_is_read_whole_or_refused(
    version: str, parts: list[str]
) -> None:
    token = "~".join([version, *parts])
    with contextlib.suppress(ContractError):
        cursor = parse_token(token)
        assert parse_token(dump_token(cursor)) == cursor


def test_every_field_of_the_contract_has_an_owner() -> None:
    assert {owner_of(name) for name in FIELD_OWNED} == {Owner.FIELD}
    assert {owner_of(name) for name in APPENDED} == {Owner.APPENDED}
    assert {owner_of(name) for name in OFFICE_OWNED} == {Owner.OFFICE}
    assert owner_of("number") is Owner.NOBODY


@given(owner=st.sampled_from(Owner), current=WORDS, seen=WORDS, wanted=WORDS)
def test_a_merge_never_loses_a_word(owner: Owner, current: str, seen: str, wanted: str) -> None:
    merged = merge_field(owner, current, seen, wanted)

    both_stand = merged.value == current == wanted
    if owner is Owner.APPENDED:
        assert str(merged.value).startswith(current) or merged.value == wanted
    elif merged.kept is None:
        assert both_stand or (current == seen and merged.value == wanted)
    else:
        assert merged.value == (current if merged.kept is Kept.OFFICE else wanted)
    assert (merged.outcome is Outcome.CONFLICT) is (merged.kept is Kept.OFFICE)


@given(current=WORDS, seen=WORDS, wanted=WORDS)
def test_the_office_keeps_its_fields(current: str, seen: str, wanted: str) -> None:
    assert merge_field(Owner.OFFICE, current, seen, wanted).value == current


@given(owner=st.sampled_from(Owner), current=WORDS, wanted=WORDS)
def test_merging_again_changes_nothing(owner: Owner, current: str, wanted: str) -> None:
    once = merge_field(owner, current, current, wanted).value

    assert merge_field(owner, once, current, once).outcome is Outcome.NOOP


@pytest.mark.parametrize(
    ("current", "seen", "wanted", "stands"),
    [
        ("", "", "crew", "crew"),
        ("office", "", "crew", "office\ncrew"),
        ("a\noffice", "a", "a\ncrew", "a\noffice\ncrew"),
        ("office", "a", "rewritten", "office\nrewritten"),
    ],
)
def test_a_note_keeps_both_sides(current: str, seen: str, wanted: str, stands: str) -> None:
    assert merge_field(Owner.APPENDED, current, seen, wanted).value == stands


@given(
    wall_ms=st.integers(0, 4_102_444_800_000),
    offset_ms=st.integers(-4_102_444_800_000, 4_102_444_800_000),
)
def test_a_tap_happened_between_enrolment_and_receipt(wall_ms: int, offset_ms: int) -> None:
    at = DeviceTime(wall_ms=wall_ms, mono_ms=0, boot_id="b", offset_ms=offset_ms)
    earliest_ms = NOON_MS - 30 * DAY_MS

    time = corrected_time(at, earliest_ms=earliest_ms, received_at_ms=NOON_MS)

    assert earliest_ms <= time.at_ms <= NOON_MS


def test_a_clock_three_minutes_off_is_corrected_and_flagged() -> None:
    at = DeviceTime(wall_ms=ms_from_utc(NOON) - 600_000, mono_ms=0, boot_id="b", offset_ms=180_000)

    time = corrected_time(at, earliest_ms=NOON_MS - DAY_MS, received_at_ms=NOON_MS)

    assert (time.at_utc, time.is_suspect) == (NOON - timedelta(minutes=7), True)


@given(
    taps=st.lists(
        st.tuples(st.integers(0, 10**6), st.integers(0, 10**7), st.integers(-(10**6), 10**6)),
        max_size=12,
    )
)
def test_times_never_run_backwards_within_a_boot_in_whatever_order_taps_arrive(
    taps: list[tuple[int, int, int]],
) -> None:
    boot = BootTimes()
    base_ms = ms_from_utc(NOON)
    found = []
    for mono_ms, wall_ms, offset_ms in taps:
        at = DeviceTime(
            wall_ms=base_ms - wall_ms, mono_ms=mono_ms, boot_id="b", offset_ms=offset_ms
        )
        time = corrected_time(
            at, earliest_ms=NOON_MS - DAY_MS // 12, received_at_ms=NOON_MS, boot=boot
        )
        found.append((mono_ms, time.at_utc))

    by_mono = sorted(found)
    assert [at for _, at in by_mono] == sorted(at for _, at in by_mono)


def test_one_tap_of_a_clock_hours_fast_moves_no_later_tap_of_the_boot() -> None:
    boot = BootTimes()
    hour_ms = 3_600_000
    fast = DeviceTime(
        wall_ms=NOON_MS + 5 * hour_ms,
        mono_ms=0,
        boot_id="b",
        offset_ms=0,
        contact_ms=NOON_MS - hour_ms,
    )
    known = DeviceTime(
        wall_ms=NOON_MS + 9 * hour_ms,
        mono_ms=4 * hour_ms,
        boot_id="b",
        offset_ms=-5 * hour_ms,
        contact_ms=NOON_MS + 3 * hour_ms,
    )

    first = corrected_time(
        fast, earliest_ms=NOON_MS - DAY_MS, received_at_ms=NOON_MS + 3 * hour_ms, boot=boot
    )
    second = corrected_time(
        known, earliest_ms=NOON_MS - DAY_MS, received_at_ms=NOON_MS + 9 * hour_ms, boot=boot
    )

    assert (first.at_ms, first.is_doubtful) == (NOON_MS + 3 * hour_ms, True)
    assert (second.at_ms, second.is_doubtful) == (NOON_MS + 4 * hour_ms, False)


def test_a_wall_clock_set_back_between_two_taps_does_not_shorten_the_work() -> None:
    boot = BootTimes()
    begin = DeviceTime(
        wall_ms=ms_from_utc(NOON) - 7_200_000, mono_ms=1000, boot_id="b", offset_ms=0
    )
    end = DeviceTime(
        wall_ms=ms_from_utc(NOON) - 9_000_000, mono_ms=3_601_000, boot_id="b", offset_ms=0
    )
    earliest_ms = NOON_MS - DAY_MS

    first = corrected_time(begin, earliest_ms=earliest_ms, received_at_ms=NOON_MS, boot=boot)
    second = corrected_time(end, earliest_ms=earliest_ms, received_at_ms=NOON_MS, boot=boot)

    assert second.at_utc - first.at_utc == timedelta(hours=1)
    assert (first.is_suspect, second.is_suspect) == (False, True)


def test_a_tap_is_never_before_the_last_contact_that_the_tablet_had() -> None:
    contact_ms = ms_from_utc(NOON) - 600_000
    at = DeviceTime(
        wall_ms=contact_ms - 3_600_000,
        mono_ms=1,
        boot_id="b",
        offset_ms=0,
        contact_ms=contact_ms,
    )

    time = corrected_time(at, earliest_ms=NOON_MS - 30 * DAY_MS, received_at_ms=NOON_MS)

    assert (time.at_utc, time.is_suspect) == (NOON - timedelta(minutes=10), True)


def test_a_tap_from_before_a_new_enrolment_keeps_its_time_and_is_flagged() -> None:
    contact_ms = NOON_MS - 3 * DAY_MS
    at = DeviceTime(
        wall_ms=contact_ms + 60_000, mono_ms=1, boot_id="b", offset_ms=0, contact_ms=contact_ms
    )

    time = corrected_time(at, earliest_ms=NOON_MS - DAY_MS, received_at_ms=NOON_MS)

    assert (time.at_ms, time.is_suspect) == (contact_ms + 60_000, True)
