"""The prepared group says to the last bit what exact fractions say, whatever the meter answers."""

import random
import struct
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from firmware_profiles.decode import Decoded, decode_group, decode_group_slowly
from firmware_profiles.encode import encode_values
from firmware_profiles.library_io import available_profiles, load_profile
from firmware_profiles.profile import Profile, wire_registers
from firmware_profiles.simulation import USUAL
from firmware_profiles.spans import group_spans
from firmware_profiles.words import BlockImage, WordAddress, span_in
from tests.firmware_profiles.profile_text import TEXT, parsed, register
from wire_contracts.quality import BAD_CRC
from wire_contracts.quantities import Quantity

PROFILES = [
    profile
    for profile in map(load_profile, available_profiles())
    if not profile.order_candidates  # its variants with a stated order are here
]
Image = dict[WordAddress, int]
LONGEST = 5_000
"""Words between the first and the last; no meter answers more at once."""


def bits(decoded: Decoded) -> tuple[object, ...]:
    """Return everything a poll says, its floats as bits: minus zero is not zero here."""
    values = {name: struct.pack(">d", value) for name, value in decoded.values.items()}
    return (
        list(values.items()),
        decoded.quality,
        decoded.events,
        decoded.counters,
        decoded.clock,
        repr(decoded.local),
    )


def assert_same(profile: Profile, image: Image, faults: Iterable[WordAddress] = ()) -> None:
    """Decode both ways, twice: the second time from what was remembered."""
    reasons = dict.fromkeys(faults, BAD_CRC)
    for group in profile.groups:
        slow = bits(decode_group_slowly(profile, group, image, reasons))

        assert bits(decode_group(profile, group, image, reasons)) == slow
        assert bits(decode_group(profile, group, image, reasons)) == slow


def blocks(image: Image) -> Iterator[BlockImage]:
    """Yield the words of each space as one answered block, holes and all."""
    for space in {at[0] for at in image}:
        addresses = [address for owner, address in image if owner == space]
        block = span_in(space, min(addresses), max(addresses) - min(addresses) + 1)
        if block.word_count < LONGEST:
            yield BlockImage(block, [image.get(at, 0) for at in block.addresses()])


def assert_same_in_blocks(profile: Profile, image: Image) -> None:
    """Decode words that came in one block as if nobody knew."""
    for block in blocks(image):
        for group in profile.groups:
            plain = bits(decode_group(profile, group, dict(block), {}))

            assert bits(decode_group(profile, group, block, {})) == plain
            assert bits(decode_group(profile, group, block, {})) == plain


def noise(profile: Profile, chance: random.Random) -> Image:
    """Return words that are mostly a healthy meter's, some random, some missing."""
    spans = [span for group in profile.groups for span in group_spans(profile, group)]
    image = {at: 0 for span in spans for at in span.addresses()} | encode_values(profile, {})
    for at in image:
        if chance.random() < 0.4:
            image[at] = chance.choice([0, 1, 0xFFFF, 0x7FC0, 0x8000, chance.randrange(0x10000)])
    return {at: word for at, word in image.items() if chance.random() > chance.choice([0, 0, 0.02])}


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.reference)
def test_every_released_profile_says_the_same_both_ways(profile: Profile) -> None:
    chance = random.Random(profile.reference)
    healthy = encode_values(profile, {name: USUAL[name] for name in wire_registers(profile)})

    assert_same(profile, healthy)
    assert_same_in_blocks(profile, healthy)
    for _ in range(12):
        image = noise(profile, chance)
        assert_same(profile, image, [at for at in healthy if at not in image])
        assert_same_in_blocks(profile, image)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.reference)
def test_the_golden_vectors_say_the_same_both_ways(profile: Profile) -> None:
    for vector in profile.golden:
        assert_same(profile, dict(vector.words))


ROWS = "".join(
    register(name, 20 + 8 * index, f'{keys}\ngroup = "fast"')
    for index, (name, keys) in enumerate(
        {
            "scaled": 'count = 2\ntype = "f32"\nunit = "kPa"\nscale = "0.1"\n'
            'wire = "pressure_bara"',
            "negative": 'count = 2\ntype = "i32"\nunit = "GJ"\nnegative = true\n'
            'wire = "energy_kwh"',
            "hot": 'count = 1\ntype = "i16"\nunit = "degF"\nscale = "0.1"\n'
            'wire = "temperature_degc"',
            "cold": 'count = 1\ntype = "i16"\nunit = "degC"\nmin = 5\nmax = "5.5"\n'
            'scale = "0.1"\nsentinel = [52]\nwire = "return_temp_degc"',
            "large": 'count = 4\ntype = "u64"\nunit = "L"\nscale = "0.001"\nwire = "volume_m3"\n'
            'order = "DCBA"',
            "double": 'count = 4\ntype = "f64"\nunit = "W"\nwire = "power_kw"\norder = "BADC"',
            "whole": 'count = 2\ntype = "u32"\nunit = "m3"\nwire = "volume_reverse_m3"\n'
            'order = "CDAB"\ndecimal_part = "rest"\nmultiplier_from = "factor"\n'
            'rollover_from = "rounds"'
            '\nrollover_span = "1000000"',
            "factor": 'count = 1\ntype = "i16"\nexponent_offset = -2\nmin = -3\nmax = 3',
            "rest": 'count = 2\ntype = "f32"\norder = "CDAB"',
            "rounds": 'count = 1\ntype = "u16"',
            "tenths": 'count = 2\ntype = "bcd32"\nunit_from = "unit"\nwire = "mass_kg"\n'
            'valid_if = [{ register = "rounds", max = 40000 }]',
            "unit": 'count = 1\ntype = "u16"\ncodes = { "0" = "kg", "1" = "t", "2" = "m3" }',
            "half": 'count = 1\ntype = "i8"\nbyte_in_word = "high"\nunit = "%"\n'
            'wire = "gas_lel_pct"',
            "state": 'count = 1\ntype = "bitfield16"',
        }.items()
    )
)
STATUS = """
[[status]]
register = "state"
bit = 3
name = "no signal"
event = "flow_sensor_no_signal"
severity = "fault"

[[status]]
register = "*"
value = 999999
name = "alarm"
event = "meter_alarm"
severity = "fault"
"""
MIXED = parsed(TEXT + ROWS + STATUS)
SPANS = [at for span in group_spans(MIXED, "fast") for at in span.addresses()]
WORDS = st.sampled_from([0, 1, 2, 51, 52, 53, 0x7FFF, 0x8000, 0xFFFF, 0x7FC0, 0xFF80, 0x7F80])
WORDS |= st.integers(0, 0xFFFF)


@settings(max_examples=150)
@given(
    st.lists(WORDS, min_size=len(SPANS), max_size=len(SPANS)),
    st.sets(st.sampled_from(SPANS), max_size=1),
)
@example([0] * len(SPANS), set())
@example([0x8000] * len(SPANS), set())
def test_every_way_to_make_a_value_says_the_same(
    words: list[int], missing: set[WordAddress]
) -> None:
    image = dict(zip(SPANS, words, strict=True))

    assert_same(MIXED, {at: word for at, word in image.items() if at not in missing}, missing)


@given(st.floats(width=32), st.integers(-(2**31), 2**31 - 1), st.integers(0, 2**64 - 1))
def test_single_values_are_rounded_once(real: float, whole: int, large: int) -> None:
    image = dict.fromkeys(SPANS, 0)
    at = {name: item.span.address for name, item in MIXED.registers.items()}
    image |= placed(at["scaled"], struct.pack(">f", real))
    image |= placed(at["negative"], struct.pack(">i", whole))
    image |= placed(at["large"], struct.pack("<Q", large))

    assert_same(MIXED, image)


def placed(address: int, data: bytes) -> Image:
    """Return bytes as words from an address on."""
    words = struct.unpack(f">{len(data) // 2}H", data)
    return {(3, address + offset): word for offset, word in enumerate(words)}


@pytest.mark.parametrize("number", [1e306, -1e308, 1.7e308])
def test_what_no_float_can_hold_is_left_to_the_fractions(number: float) -> None:
    keys = 'count = 4\ntype = "f64"\nunit = "GWh"\nquantity = "energy_heat"\ngroup = "fast"'
    profile = parsed(TEXT + register("energy", 20, keys))

    assert_same(profile, placed(10, bytes(4)) | placed(20, struct.pack(">d", number)))


def test_many_settings_do_not_fill_the_memory() -> None:
    profile = parsed(TEXT + ROWS + STATUS)
    for code in range(1000):
        image = dict.fromkeys(SPANS, 0) | {(3, profile.registers["unit"].span.address): code}
        decode_group(profile, "fast", image, {})
    prepared = profile.prepared["fast"]

    assert all(len(each.linears) <= 256 for each in prepared._others)  # type: ignore[attr-defined]


def test_a_group_is_prepared_once() -> None:
    image = dict.fromkeys(SPANS, 0)
    decode_group(MIXED, "fast", image, {})
    first = MIXED.prepared["fast"]
    decode_group(MIXED, "fast", image, {})

    assert MIXED.prepared["fast"] is first
    assert Quantity.FLOW_M3H in decode_group(MIXED, "fast", image, {}).values
