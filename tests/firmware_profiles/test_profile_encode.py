"""A simulated meter answers words that decode to what it measured."""

from collections.abc import Mapping
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_profiles.codings import WireType
from firmware_profiles.decode import decode_group
from firmware_profiles.encode import encode_values
from firmware_profiles.errors import EncodeError
from firmware_profiles.library_io import available_profiles, load_profile
from firmware_profiles.probe import MeantMeter
from firmware_profiles.profile import Profile, wire_registers
from firmware_profiles.register import Register
from firmware_profiles.spans import group_spans
from firmware_profiles.status_rule import ANY_REGISTER
from firmware_profiles.words import WordAddress, pack_words
from tests.firmware_profiles.profile_text import TEXT, parsed, register
from wire_contracts.quantities import PLAUSIBLE, UNITS, Quantity

PROFILES = [
    profile
    for profile in map(load_profile, available_profiles())
    if not profile.order_candidates  # its variants with a stated order are here
]
RANGES = {
    Quantity.SIGNAL_QUALITY_PCT: (1, 99),
    Quantity.SUPPLY_TEMP_DEGC: (-40, 200),
    Quantity.RETURN_TEMP_DEGC: (-40, 200),
    Quantity.TEMPERATURE_DEGC: (-40, 80),
    Quantity.TEMP_DIFF_K: (-100, 100),
    Quantity.PRESSURE_BARA: (0, 100),
}
WIDEST = {WireType.U16: 65534, WireType.I16: 32766}


def everything(profile: Profile, image: Mapping[WordAddress, int]) -> dict[Quantity, float]:
    """Return the values of every group; a quality other than good fails the test."""
    values: dict[Quantity, float] = {}
    for group in profile.groups:
        found = decode_group(profile, group, image, {})
        assert not found.quality
        values |= found.values
    return values


def resolution(profile: Profile, source: Register, value: float) -> float:
    """Return half the step that the registers of a value can show, in its canonical unit."""
    part = source.companions.decimal_part or source.companions.low_part
    finest = profile.registers[part] if part else source
    factor = float(UNITS[source.unit].factor) if source.unit in UNITS else float(_PRESET_UNIT)
    rounding = abs(value) * 2**-52 + 1e-30
    if source.companions.resolution_from is not None:
        return 0.01 / 2 + rounding
    if finest.coding.kind is WireType.F32:
        return (float(source.scale or 1) * factor if part else abs(value)) * 2**-24 + rounding
    if finest.coding.kind is WireType.INTREAL:
        return factor * 2**-24 + rounding
    return factor * float(finest.scale or 1) / 2 + rounding


_PRESET_UNIT = UNITS["GJ"].factor
"""The largest unit that a unit register of the library has as its preset."""


def _or_zero(value: float) -> float:
    """No meter shows a number that is nearer to zero."""
    return value if abs(value) > 1e-5 else 0.0


def possible(profile: Profile, quantity: Quantity) -> tuple[float, float]:
    """Return what a register may hold and a meter of this profile may mean."""
    source = wire_registers(profile)[quantity]
    is_zero_free = any(rule.register == ANY_REGISTER for rule in profile.status)
    low, high = (1, 190) if is_zero_free else RANGES.get(quantity, (0, 4e6))
    widest = WIDEST.get(source.coding.kind)
    if widest is not None and source.unit in UNITS:
        high = min(high, widest * float(source.scale or 1) * float(UNITS[source.unit].factor))
    limits = source.limits
    least = low if limits.minimum is None else float(limits.minimum)
    most = high if limits.maximum is None else float(limits.maximum)
    return max(low, least, PLAUSIBLE[quantity][0]), min(high, most, PLAUSIBLE[quantity][1])


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.reference)
@settings(max_examples=20)
@given(data=st.data())
def test_every_released_profile_gives_back_what_it_was_given(
    profile: Profile, data: st.DataObject
) -> None:
    sources = wire_registers(profile)
    values = {
        quantity: data.draw(st.floats(*possible(profile, quantity)).map(_or_zero), label=quantity)
        for quantity in sources
    }
    before = dict(values)

    found = everything(profile, encode_values(profile, values))

    assert found.keys() == sources.keys()
    for quantity, value in values.items():
        step = resolution(profile, sources[quantity], value)
        assert abs(found[quantity] - value) <= step, quantity
    assert values == before


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.reference)
def test_every_word_of_every_group_has_an_answer(profile: Profile) -> None:
    image = encode_values(profile, {})

    for group in profile.groups:
        needed = {at for span in group_spans(profile, group) for at in span.addresses()}
        assert needed <= image.keys()
    assert all(0 <= word <= 0xFFFF for word in image.values())
    assert pack_words(image)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.reference)
def test_every_event_of_a_profile_can_be_shown_and_is_seen(profile: Profile) -> None:
    values = dict.fromkeys(wire_registers(profile), 1.0)
    always = set(decode_group(profile, "fast", encode_values(profile, values), {}).events)
    flags = [rule for rule in profile.status if not rule.is_counter]
    for event in dict.fromkeys(rule.event for rule in flags):
        image = encode_values(profile, values, [event])
        found = decode_group(profile, "fast", image, {})

        assert event in found.events
        assert set(found.events) <= always | {event}


def test_several_events_share_a_register() -> None:
    profile = load_profile("flonidan_uniflo1200_fw28@1")

    image = encode_values(profile, {}, ["battery_low", "tamper", "pressure_high"])

    assert decode_group(profile, "fast", image, {}).events == (
        "tamper",
        "pressure_high",
        "battery_low",
    )


def test_a_float_copy_of_a_counter_tells_the_same() -> None:
    profile = load_profile("fuxin_gas_flow@1")

    image = encode_values(profile, {Quantity.VOLUME_BASE_M3: 1243.1116})
    local = decode_group(profile, "fast", image, {}).local

    assert local["volume_base"] == 1243.1116
    assert image[3, 12] == 0x449B
    assert image[3, 13] == 0x6392


def test_a_negative_counter_is_written_negative() -> None:
    profile = load_profile("tuf_2000m@1")
    energy_kwh = float(Fraction(56_885_000, 3600))

    image = encode_values(profile, {Quantity.ENERGY_COLD_KWH: energy_kwh})
    whole = image[3, 20] | image[3, 21] << 16

    assert whole - 2**32 == -56
    assert everything(profile, image)[Quantity.ENERGY_COLD_KWH] == pytest.approx(energy_kwh)


@given(st.integers(0, 255), st.integers(0, 255))
def test_two_bytes_of_one_word_do_not_disturb_each_other(high: int, low: int) -> None:
    profile = parsed(
        TEXT
        + register("a", 30, 'count = 1\ntype = "u8"\nbyte_in_word = "high"\nunit = "%"\n'
                   'wire = "gas_lel_pct"\ngroup = "fast"')
        + register("b", 30, 'count = 1\ntype = "u8"\nbyte_in_word = "low"\nunit = "%"\n'
                   'wire = "signal_quality_pct"\ngroup = "fast"')
    )  # fmt: skip
    values = {Quantity.GAS_LEL_PCT: float(high), Quantity.SIGNAL_QUALITY_PCT: float(low)}

    image = encode_values(profile, values)

    assert image[3, 30] == high << 8 | low
    assert decode_group(profile, "fast", image, {}).values == {Quantity.FLOW_M3H: 0.0} | values


def test_the_guard_is_written_for_the_meter_that_is_meant() -> None:
    text = TEXT + register("me", 50, 'count = 1\ntype = "u16"\nquantity = "config"')
    profile = parsed(text + '\n[guard]\nregister = "me"\nequals = "device_address"\n')
    identity = MeantMeter(device_address=17, serial="x")

    image = encode_values(profile, {Quantity.FLOW_M3H: 1.0}, identity=identity)

    assert image[3, 50] == 17
    assert decode_group(profile, "fast", image, {}, identity).values == {Quantity.FLOW_M3H: 1.0}


def test_what_the_registers_cannot_hold_is_refused_by_name() -> None:
    profile = load_profile("fuxin_gas_flow@1")

    with pytest.raises(EncodeError) as caught:
        encode_values(profile, {Quantity.VOLUME_BASE_M3: 1e9})

    assert str(caught.value) == (
        "register volume_base: 1e+13 does not fit bcd48 in 3 words; "
        "lower the value or choose another profile"
    )


def test_a_quantity_or_event_that_the_meter_does_not_know_is_refused() -> None:
    profile = load_profile("badger_m2000@1")

    with pytest.raises(EncodeError, match=r"badger_m2000@1 does not measure power_kw; it has flow"):
        encode_values(profile, {Quantity.POWER_KW: 1.0})
    with pytest.raises(EncodeError, match=r"cannot report tamper; it can report none"):
        encode_values(profile, {}, ["tamper"])


TOTAL = 'count = 2\ntype = "u32"\nquantity = "volume"\ngroup = "fast"\n'


@pytest.mark.parametrize(
    ("keys", "setting"),
    [
        ('unit = "m3"\nexponent_from = "s"', 'type = "i16"\npreset = -2'),
        ('unit = "m3"\ndecimals_from = "s"', 'type = "u16"\npreset = 2'),
        ('unit = "m3"\nmultiplier_from = "s"', 'type = "u16"\nscale = "0.01"\npreset = 1'),
        ('unit = "m3"\nresolution_from = "s"', 'type = "i16"\nexponent_offset = 0\npreset = -2'),
        ('unit = "m3"\nscale = "0.01"\nrollover_from = "s"\nrollover_span = 10', 'type = "u16"'),
        ('scale = "10"\nunit_from = "s"', 'type = "u16"\ncodes = { "1" = "L" }\npreset = 1'),
        ('scale = "10"\nunit_from = "s"', 'type = "string"\ncodes = { L = "L" }\npreset = "L"'),
    ],
)
@given(st.integers(0, 400_000))
def test_the_presets_of_the_settings_decide_how_a_value_is_written(
    keys: str, setting: str, hundredths: int
) -> None:
    text = TEXT + register("t", 30, TOTAL + keys) + register("s", 40, f"count = 1\n{setting}")
    profile = parsed(text)
    value = hundredths / 100

    image = encode_values(profile, {Quantity.VOLUME_M3: value})

    assert decode_group(profile, "fast", image, {}).values[Quantity.VOLUME_M3] == value


def test_a_factor_of_zero_needs_a_preset() -> None:
    text = TEXT + register("t", 30, TOTAL + 'unit = "m3"\nmultiplier_from = "s"')
    profile = parsed(text + register("s", 40, 'count = 1\ntype = "u16"'))

    with pytest.raises(EncodeError) as caught:
        encode_values(profile, {Quantity.VOLUME_M3: 1.0})

    assert str(caught.value) == ("register s: a factor of zero; give it a preset in the profile")


def test_a_split_counter_of_whole_numbers_carries_into_its_high_half() -> None:
    text = (
        TEXT
        + register("h", 30, 'count = 1\ntype = "u16"\nunit = "m3"\nquantity = "volume_high"\n'
                   'part = "high"\nscale = "100"\ngroup = "fast"')
        + register("l", 31, 'count = 1\ntype = "u16"\nunit = "m3"\nquantity = "volume_low"')
    )  # fmt: skip
    profile = parsed(text)

    image = encode_values(profile, {Quantity.VOLUME_M3: 199.6})

    assert (image[3, 30], image[3, 31]) == (2, 0)
    assert decode_group(profile, "fast", image, {}).values[Quantity.VOLUME_M3] == 200.0


@pytest.mark.parametrize("pattern", ["value = 3", "mask = 7\nvalue = 3", "mask = 4", "bit = 2"])
def test_every_pattern_of_a_status_can_be_shown(pattern: str) -> None:
    text = TEXT + register("errors", 20, 'count = 1\ntype = "bitfield16"\npreset = 16')
    row = f'\n[[status]]\nregister = "errors"\nname = "n"\nevent = "tamper"\n{pattern}\n'
    profile = parsed(text + row + 'severity = "alarm"\n')

    quiet = decode_group(profile, "fast", encode_values(profile, {}), {})
    loud = decode_group(profile, "fast", encode_values(profile, {}, ["tamper"]), {})

    assert (quiet.events, loud.events) == ((), ("tamper",))


def test_a_guard_that_is_text_is_written_as_text() -> None:
    text = TEXT + register("serial", 50, 'count = 4\ntype = "string"\nquantity = "serial"')
    profile = parsed(text + '\n[guard]\nregister = "serial"\nequals = "serial"\n')
    identity = MeantMeter(device_address=1, serial="HM-1")

    image = encode_values(profile, {}, identity=identity)

    assert decode_group(profile, "fast", image, {}, identity).quality == {}


def test_a_copy_in_a_unit_nobody_knows_is_left_alone() -> None:
    copy = register("copy", 30, 'count = 1\ntype = "u16"\nunit = "pint/h"\nquantity = "flow"\n'
                    "wire = false")  # fmt: skip

    image = encode_values(parsed(TEXT + copy), {Quantity.FLOW_M3H: 5.0})

    assert image[3, 30] == 0
