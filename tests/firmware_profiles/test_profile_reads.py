"""What belongs together is fetched by one request, or the profile is refused."""

from collections.abc import Iterable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_profiles.completeness import open_points
from firmware_profiles.decode import decode_group
from firmware_profiles.encode import encode_values
from firmware_profiles.errors import ProfileError
from firmware_profiles.profile import Profile
from firmware_profiles.spans import group_spans, merge_spans
from firmware_profiles.words import Span
from tests.firmware_profiles.profile_text import TEXT, parsed, register
from wire_contracts.quantities import Quantity

WHOLE = 'count = 2\ntype = "u32"\nunit = "m3"\nquantity = "volume"\ngroup = "slow"\n'
PART = 'count = 2\ntype = "f32"\n'


def blocking(profile: Profile) -> list[str]:
    """Return what keeps a profile from release."""
    points = [point for point in open_points(profile) if point.is_blocking]
    return [f"{point.field}: {point.problem}" for point in points]


def test_parts_behind_two_function_codes_cannot_be_one_value() -> None:
    part = register("rest", 42, PART).replace("fc = 3", "fc = 4")
    profile = parsed(TEXT + register("total", 40, WHOLE + 'decimal_part = "rest"') + part)

    assert (
        "register.total.fc: rest has another function code or unit: they cannot be read at once"
        in blocking(profile)
    )


def test_parts_behind_two_units_cannot_be_one_value() -> None:
    part = register("rest", 42, PART + "unit_id_offset = 1")
    profile = parsed(TEXT + register("total", 40, WHOLE + 'decimal_part = "rest"') + part)

    assert any("register.total.fc: rest has another" in text for text in blocking(profile))


def test_an_atomic_set_wider_than_a_read_is_refused() -> None:
    rows = register("first", 40, WHOLE + 'atomic = "a"')
    rows += register("last", 140, 'count = 1\ntype = "u16"\ngroup = "slow"\natomic = "a"')
    text = TEXT.replace("[3, 6]\n", "[3, 6]\nmax_registers = 60\n")

    assert blocking(parsed(text + rows)) == [
        "group.slow: 40..140 must be read at once, the meter gives 60 words"
    ]


def test_composites_that_overlap_beyond_one_read_are_refused() -> None:
    rows = register("one", 40, WHOLE + 'decimal_part = "middle"')
    rows += register("middle", 90, PART)
    more = 'count = 2\ntype = "u32"\nunit = "kWh"\nquantity = "energy_heat"\ngroup = "slow"\n'
    rows += register("two", 80, more + 'decimal_part = "end"') + register("end", 130, PART)
    text = TEXT.replace("[3, 6]\n", "[3, 6]\nmax_registers = 60\n")

    assert blocking(parsed(text + rows)) == [
        "group.slow: 40..91 and 80..131 overlap and exceed one read together"
    ]
    assert blocking(parsed(TEXT + rows)) == []


def test_a_status_in_an_array_of_words_would_never_be_seen() -> None:
    row = '\n[[status]]\nregister = "errors"\nbit = 3\nname = "a"\nevent = "tamper"\n'
    row += 'severity = "fault"\n'
    profile = parsed(TEXT + register("errors", 40, 'count = 2\ntype = "u16"') + row)

    assert blocking(profile) == ["status.a.register: errors is an array of 2 words"]


PAGED = parsed(
    TEXT
    + register("total", 10, WHOLE.replace("slow", "fast") + "unit_id_offset = 1")
    + register("page", 10, 'count = 1\ntype = "u16"\ngroup = "fast"\nunit_id_offset = 2')
)


def test_the_pages_of_a_meter_are_read_at_their_own_units() -> None:
    assert group_spans(PAGED, "fast") == (
        Span(function_code=3, address=10, word_count=2),
        Span(unit_offset=1, function_code=3, address=10, word_count=2),
        Span(unit_offset=2, function_code=3, address=10, word_count=1),
    )


def test_equal_addresses_of_two_pages_do_not_mix() -> None:
    image = encode_values(PAGED, {Quantity.FLOW_M3H: 10.0, Quantity.VOLUME_M3: 77.0})
    found = decode_group(PAGED, "fast", image, {})

    assert found.values == {Quantity.FLOW_M3H: 10.0, Quantity.VOLUME_M3: 77.0}
    assert image[3, 10] == 0x4120
    assert image[3 + 256, 11] == 77


@pytest.mark.parametrize("offset", [-1, 247, "1"])
def test_an_offset_that_no_unit_has_is_refused(offset: object) -> None:
    row = register("page", 10, f'count = 1\ntype = "u16"\nunit_id_offset = {offset!r}')
    with pytest.raises(ProfileError, match=r"register\.page\.unit_id_offset"):
        parsed(TEXT + row)


SPANS = st.builds(
    Span,
    unit_offset=st.integers(0, 1),
    function_code=st.integers(3, 4),
    address=st.integers(0, 60),
    word_count=st.integers(1, 20),
)


def words(spans: Iterable[Span]) -> set[tuple[int, int]]:
    """Return every word of some spans."""
    return {at for span in spans for at in span.addresses()}


@given(st.lists(SPANS, max_size=12), st.integers(1, 60))
def test_merged_spans_fetch_the_same_words_and_split_none(spans: list[Span], most: int) -> None:
    merged = merge_spans(spans, most)

    assert words(merged) == words(spans)
    for span in spans:
        assert any(words([span]) <= words([whole]) for whole in merged)
    assert list(merged) == sorted(merged)
    assert merge_spans(reversed(spans), most) == merged


@given(st.lists(SPANS, max_size=12))
def test_spans_that_fit_one_read_never_overlap(spans: list[Span]) -> None:
    merged = merge_spans(spans, 200)

    assert sum(span.word_count for span in merged) == len(words(spans))


def test_the_link_keeps_every_habit_of_the_meter() -> None:
    keys = "baud = [2400, 9600]\nbaud_max = 115200\nport = 1502\nturnaround_ms = 80\n"
    keys += 'after_connect_ms = 250\necho = true\nunit_rule = "last digits"\n'
    link = parsed(TEXT.replace("[3, 6]\n", f"[3, 6]\n{keys}")).link

    assert (link.speeds, link.fastest_baud, link.port) == ((2400, 9600), 115200, 1502)
    assert (link.turnaround, link.after_connect) == (
        timedelta(milliseconds=80),
        timedelta(milliseconds=250),
    )
    assert (link.has_echo, link.address_rule) == (True, "last digits")


def test_one_speed_stands_for_itself_and_texts_are_refused() -> None:
    head = "[3, 6]\n"

    assert parsed(TEXT.replace(head, f"{head}baud = 9600\n")).link.speeds == (9600,)
    with pytest.raises(ProfileError, match=r"link\.baud: holds what is no number; write baud ="):
        parsed(TEXT.replace(head, f'{head}baud = ["fast"]\n'))


def test_a_sentinel_may_be_written_in_hex() -> None:
    line = '\nsentinel = ["0x7FC00001", ">=0x10"]\n'
    found = parsed(TEXT.replace('group = "fast"\n', f'group = "fast"{line}', 1))
    limits = [int(item.limit) for item in found.registers["flow"].sentinels]

    assert limits == [0x7FC00001, 0x10]
