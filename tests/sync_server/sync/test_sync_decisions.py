"""The pure decisions of the sync: tokens, merge, event time."""

import contextlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_server.sync.event_time import corrected_time
from sync_server.sync.merge import Kept, Owner, merge_field, owner_of
from sync_server.sync.tokens import Cursor, Position, dump_token, parse_token
from tests.sync_server.real_parts import NOON
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc
from wire_contracts.operations import DeviceTime, Outcome
from wire_contracts.orders import APPENDED, FIELD_OWNED, OFFICE_OWNED

WORDS = st.text(alphabet="ab\n", max_size=6)
BUCKETS = st.from_regex(r"(org|crew:[a-z0-9~%-]{1,12}|area:[a-z0-9~E7-]{1,12})", fullmatch=True)
NUMBERS = st.integers(0, 2**53)


@given(
    epoch=st.integers(0, 2**63 - 1),
    positions=st.dictionaries(BUCKETS, st.builds(Position, pos=NUMBERS, floor=NUMBERS)),
)
def test_a_token_comes_back_as_it_was(epoch: int, positions: dict[str, Position]) -> None:
    cursor = Cursor(server_epoch=epoch, positions=positions)

    assert parse_token(dump_token(cursor)) == cursor


@given(token=st.text(max_size=60).filter(lambda text: not text.startswith("1~")))
def test_any_other_text_is_refused_with_the_way_out(token: str) -> None:
    with pytest.raises(ContractError, match="pull without a token to start anew") as caught:
        parse_token(token)
    assert caught.value.code is Code.PULL_RESET


@given(parts=st.lists(st.sampled_from(["1", "org", "7", "", "-3", "x"]), max_size=9))
def test_a_token_that_was_cut_or_forged_is_read_whole_or_refused(parts: list[str]) -> None:
    token = "~".join(["1", *parts])
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
    earliest_utc = NOON - timedelta(days=30)

    time = corrected_time(at, earliest_utc=earliest_utc, received_at_utc=NOON)

    assert earliest_utc <= time.at_utc <= NOON


def test_a_clock_three_minutes_off_is_corrected_and_flagged() -> None:
    at = DeviceTime(wall_ms=ms_from_utc(NOON) - 600_000, mono_ms=0, boot_id="b", offset_ms=180_000)

    time = corrected_time(at, earliest_utc=NOON - timedelta(days=1), received_at_utc=NOON)

    assert (time.at_utc, time.is_suspect) == (NOON - timedelta(minutes=7), True)
