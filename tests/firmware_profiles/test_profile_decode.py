"""Words become readings: exact, in canonical units, and never a value where there is none."""

import math
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_profiles.decode import Decoded, decode_group, decode_registers, spans_of
from firmware_profiles.encode import encode_values
from firmware_profiles.library_io import available_profiles, load_profile
from firmware_profiles.probe import MeantMeter
from firmware_profiles.profile import Profile, group_registers, wire_registers
from firmware_profiles.words import Span, WordAddress
from tests.firmware_profiles.profile_text import FLOW, HEAD, TEXT, parsed, register, with_line
from wire_contracts.quality import BAD_CRC, BAD_TIMEOUT, bad_exception, is_bad
from wire_contracts.quantities import Quantity

STATUS = register("errors", 20, 'count = 1\ntype = "bitfield16"\nquantity = "status"')


def words(function_code: int = 3, **blocks: str) -> dict[WordAddress, int]:
    """Return an image from `at_10="4120 0000"` blocks of hexadecimal words."""
    return {
        (function_code, int(name.removeprefix("at_")) + offset): int(text, 16)
        for name, block in blocks.items()
        for offset, text in enumerate(block.split())
    }


def status_row(event: str, pattern: str, extra: str = "") -> str:
    return (
        f'\n[[status]]\nregister = "errors"\nname = "n"\nevent = "{event}"\n{pattern}\n'
        f'severity = "fault"\n{extra}\n'
    )


def decoded(profile: Profile, image: Mapping[WordAddress, int], group: str = "fast") -> Decoded:
    return decode_group(profile, group, image, {})


def quality_of(found: Decoded) -> dict[str, str]:
    return {str(name): str(code) for name, code in found.quality.items()}


def with_register(keys: str, name: str = "total", address: int = 30) -> Profile:
    """Return the example with one more polled register."""
    return parsed(TEXT + register(name, address, f'{keys}\ngroup = "fast"'))


def test_a_value_comes_in_its_canonical_unit() -> None:
    found = decoded(parsed(), words(at_10="4120 0000"))

    assert found == Decoded(values={Quantity.FLOW_M3H: 10.0}, quality={}, events=())
    assert found.local == {"flow": 10.0}


def test_the_scale_is_exact_and_rounded_once() -> None:
    profile = with_register(
        'count = 2\ntype = "u32"\nscale = "0.001"\nunit = "MWh"\nquantity = "energy_heat"'
    )

    found = decoded(profile, words(at_10="4120 0000", at_30="86A0 0001"))

    assert found.values[Quantity.ENERGY_KWH] == 2258632705.0
    assert found.local["total"] == 2258632.705


def test_a_scale_without_quotes_is_just_as_exact() -> None:
    quoted = with_register(
        'count = 1\ntype = "u16"\nscale = "0.1"\nunit = "L"\nquantity = "volume"'
    )
    plain = with_register('count = 1\ntype = "u16"\nscale = 0.1\nunit = "L"\nquantity = "volume"')

    assert quoted.registers == plain.registers


def test_a_missing_word_gives_no_value_and_says_why() -> None:
    first_only = words(at_10="4120")
    profile = parsed()

    assert quality_of(decoded(profile, first_only)) == {"flow_m3h": "bad_mismatch"}
    for code in (BAD_TIMEOUT, bad_exception(2)):
        found = decode_group(profile, "fast", first_only, {(3, 11): code})
        assert (dict(found.values), dict(found.quality)) == ({}, {Quantity.FLOW_M3H: code})
        assert found.local == {}


@pytest.mark.parametrize("bits", ["7FC0 0000", "7F80 0000", "FF80 0000"])
def test_a_float_that_is_no_number_is_no_value(bits: str) -> None:
    found = decoded(parsed(), words(at_10=bits))

    assert not found.values
    assert quality_of(found) == {"flow_m3h": "bad_sentinel"}


@pytest.mark.parametrize(
    ("sentinel", "word", "is_value"),
    [
        ("0x7FFF", "7FFF", False),
        ("0x7FFF", "7FFE", True),
        ('">=18000 open"', "4650", False),
        ('">=18000 open"', "464F", True),
        ('"<=-100"', "FF9C", False),
        ('[0, "==5"]', "0005", False),
        ('[0, "==5"]', "0000", False),
        ('[0, "==5"]', "0001", True),
    ],
)
def test_a_sentinel_is_no_value(sentinel: str, word: str, *, is_value: bool) -> None:
    profile = with_register(
        'count = 1\ntype = "i16"\nscale = "0.01"\nunit = "degC"\nquantity = "temp_supply"\n'
        f"sentinel = {sentinel}"
    )

    found = decoded(profile, words(at_30=word))

    assert (Quantity.SUPPLY_TEMP_DEGC in found.values) is is_value
    assert (quality_of(found).get("supply_temp_degc") == "bad_sentinel") is not is_value


def test_a_value_outside_its_limits_is_kept_and_doubted() -> None:
    profile = parsed(with_line(TEXT, "min = 0\nmax = 10"))

    assert quality_of(decoded(profile, words(at_10="4120 0000"))) == {}
    found = decoded(profile, words(at_10="C120 0000"))
    assert found.values == {Quantity.FLOW_M3H: -10.0}
    assert quality_of(found) == {"flow_m3h": "suspect_range"}


def test_words_that_no_meter_can_mean_are_doubted_without_a_limit_in_the_profile() -> None:
    found = decoded(parsed(TEXT), words(at_10="7F00 0000"))

    assert found.values == {Quantity.FLOW_M3H: 2.0**127}
    assert quality_of(found) == {"flow_m3h": "suspect_range"}


def test_limits_are_in_the_printed_unit() -> None:
    text = TEXT.replace('unit = "m3/h"', 'unit = "L/h"')
    profile = parsed(with_line(text, "max = 10"))

    assert quality_of(decoded(profile, words(at_10="4120 0000"))) == {}
    assert quality_of(decoded(profile, words(at_10="4130 0000"))) == {"flow_m3h": "suspect_range"}


def test_a_limit_in_fahrenheit_keeps_its_zero() -> None:
    profile = with_register(
        'count = 1\ntype = "i16"\nunit = "degF"\nquantity = "temp_supply"\nmin = 32'
    )

    assert quality_of(decoded(profile, words(at_10="4120 0000", at_30="0020"))) == {}
    assert quality_of(decoded(profile, words(at_10="4120 0000", at_30="001F"))) == {
        "supply_temp_degc": "suspect_range"
    }


def test_whole_and_fraction_are_read_together_and_added() -> None:
    text = (
        TEXT
        + register(
            "total",
            30,
            'count = 2\ntype = "u32"\nunit = "m3"\nquantity = "volume_int"\n'
            'decimal_part = "rest"\ngroup = "fast"',
        )
        + register("rest", 34, 'count = 2\ntype = "f32"\nquantity = "volume_frac"')
    )
    profile = parsed(text)

    assert Span(function_code=3, address=30, word_count=6) in spans_of(profile, "fast")
    whole = words(at_10="4120 0000", at_30="0000 0007")
    assert quality_of(decoded(profile, whole)) == {"volume_m3": "bad_mismatch"}
    found = decoded(profile, whole | words(at_34="3F00 0000"))
    assert found.values[Quantity.VOLUME_M3] == 7.5


@pytest.mark.parametrize(
    ("keys", "setting", "word", "value"),
    [
        ('exponent_from = "s"', 'type = "i16"', "FFFF", 1.2),
        ('decimals_from = "s"', 'type = "u16"', "0002", 0.12),
        ('multiplier_from = "s"', 'type = "u16"', "0005", 60.0),
        ('multiplier_from = "s"', 'type = "u16"\nscale = "0.5"', "0005", 30.0),
        ('multiplier_from = "s"', 'type = "u16"\nexponent_offset = -3', "0004", 120.0),
        ('resolution_from = "s"', 'type = "i16"\nexponent_offset = 0', "FFFE", 0.12),
        ('rollover_from = "s"\nrollover_span = 1000', 'type = "u16"', "0003", 3012.0),
        ('rollover_from = "s"', 'type = "u16"', "0000", 12.0),
        ('unit_from = "s"', 'type = "u16"\ncodes = { "1" = "L", "2" = "m3" }', "0001", 0.012),
        ('unit_from = "s"', 'type = "u16"\ncodes = { "1" = "L", "2" = "m3" }', "0002", 12.0),
        ('unit_from = "s"', 'type = "string"\ncodes = { "m3" = "m3" }', "6D33", 12.0),
    ],
)
def test_a_companion_register_decides(keys: str, setting: str, word: str, value: float) -> None:
    unit = "" if "unit_from" in keys else "m3"
    text = (
        TEXT
        + register(
            "total",
            30,
            f'count = 1\ntype = "u16"\nunit = "{unit}"\nquantity = "volume"\n'
            f'group = "fast"\n{keys}',
        )
        + register("s", 40, f"count = 1\n{setting}")
    )

    found = decoded(parsed(text), words(at_30="000C", at_40=word))

    assert found.values[Quantity.VOLUME_M3] == value


@pytest.mark.parametrize(
    ("keys", "setting", "word", "code"),
    [
        ('exponent_from = "s"', 'type = "i16"', "7FFF", "bad_sentinel"),
        ('multiplier_from = "s"', 'type = "u16"', "0000", "bad_sentinel"),
        ('unit_from = "s"', 'type = "u16"\ncodes = { "1" = "L" }', "0009", "bad_profile"),
        ('rollover_from = "s"', 'type = "u16"', "0001", "bad_profile"),
        ('unit_from = "s"', 'type = "u16"\ncodes = { "1" = "L" }', "", "bad_mismatch"),
        ('decimals_from = "s"', 'type = "u16"', "", "bad_mismatch"),
    ],
)
def test_a_companion_that_makes_no_sense_leaves_no_value(
    keys: str, setting: str, word: str, code: str
) -> None:
    text = (
        TEXT
        + register(
            "total",
            30,
            f'count = 1\ntype = "u16"\nunit = "m3"\nquantity = "volume"\ngroup = "fast"\n{keys}',
        )
        + register("s", 40, f"count = 1\n{setting}")
    )

    found = decoded(parsed(text), words(at_30="000C", at_40=word))

    assert Quantity.VOLUME_M3 not in found.values
    assert found.quality[Quantity.VOLUME_M3] == code


def test_a_high_part_of_unknown_weight_must_be_zero() -> None:
    text = (
        TEXT
        + register(
            "high",
            30,
            'count = 2\ntype = "u32"\nunit = "L"\nquantity = "volume_high"\n'
            'part = "high"\ngroup = "fast"',
        )
        + register("low", 32, 'count = 2\ntype = "u32"\nunit = "L"\nquantity = "volume_low"')
    )

    zero = decoded(parsed(text), words(at_30="0000 0000 0000 03E8"))
    one = decoded(parsed(text), words(at_30="0000 0001 0000 03E8"))
    known = decoded(
        parsed(text.replace('part = "high"', 'part = "high"\nscale = "1000000"')),
        words(at_30="0000 0001 0000 03E8"),
    )

    assert zero.values[Quantity.VOLUME_M3] == 1.0
    assert one.quality[Quantity.VOLUME_M3] == "bad_profile"
    assert known.values[Quantity.VOLUME_M3] == 1001.0


def test_a_fault_is_no_value_and_never_zero() -> None:
    profile = parsed(TEXT + STATUS + status_row("flow_sensor_no_signal", "bit = 0"))

    found = decoded(profile, words(at_10="0000 0000", at_20="0001"))

    assert not found.values
    assert quality_of(found) == {"flow_m3h": "bad_sentinel"}
    assert found.events == ("flow_sensor_no_signal",)


def test_a_weak_signal_leaves_a_doubtful_value() -> None:
    profile = parsed(TEXT + STATUS + status_row("flow_sensor_weak", "bit = 2"))

    found = decoded(profile, words(at_10="4120 0000", at_20="0004"))

    assert found.values == {Quantity.FLOW_M3H: 10.0}
    assert quality_of(found) == {"flow_m3h": "suspect_status"}


def test_a_leak_is_what_the_values_are_there_to_show() -> None:
    profile = parsed(TEXT + STATUS + status_row("leak_water", "bit = 2"))

    found = decoded(profile, words(at_10="4120 0000", at_20="0004"))

    assert found.events == ("leak_water",)
    assert quality_of(found) == {}


def test_an_unread_status_makes_the_value_doubtful_not_good() -> None:
    profile = parsed(TEXT + STATUS + status_row("flow_sensor_no_signal", "bit = 0"))

    found = decoded(profile, words(at_10="4120 0000"))

    assert found.values == {Quantity.FLOW_M3H: 10.0}
    assert quality_of(found) == {"flow_m3h": "suspect_status"}
    assert found.events == ()


def test_the_file_may_say_what_a_status_spoils() -> None:
    rows = status_row("tamper", "bit = 0", 'bad = ["flow_m3h"]') + status_row(
        "flow_sensor_no_signal", "bit = 1", "bad = []\nsuspect = []"
    )
    profile = parsed(TEXT + STATUS + rows)

    spoiled = decoded(profile, words(at_10="4120 0000", at_20="0001"))
    spared = decoded(profile, words(at_10="4120 0000", at_20="0002"))

    assert quality_of(spoiled) == {"flow_m3h": "bad_sentinel"}
    assert quality_of(spared) == {}


@pytest.mark.parametrize(
    ("pattern", "word", "holds"),
    [
        ("bit = 15", "8000", True),
        ("bit = 15", "7FFF", False),
        ("mask = 6", "0002", True),
        ("mask = 3\nvalue = 0", "0004", True),
        ("mask = 3\nvalue = 3", "0001", False),
        ("value = 7", "0007", True),
        ("value = 7", "000F", False),
    ],
)
def test_bit_mask_and_value_mean_what_they_say(pattern: str, word: str, *, holds: bool) -> None:
    profile = parsed(TEXT + STATUS + status_row("tamper", pattern))

    found = decoded(profile, words(at_10="4120 0000", at_20=word))

    assert (found.events == ("tamper",)) is holds


def test_every_group_reads_the_status_and_each_event_comes_once() -> None:
    text = TEXT.replace('fast = "15m"', 'fast = "15m"\nidle = "1d"') + STATUS
    rows = status_row("tamper", "bit = 0") + status_row("tamper", "bit = 1")
    profile = parsed(text + rows)

    assert spans_of(profile, "idle") == (Span(function_code=3, address=20, word_count=1),)
    assert decoded(profile, words(at_20="0003"), "idle").events == ("tamper",)


def test_a_coil_may_be_a_status() -> None:
    rows = status_row("supply_fail", "value = 1").replace('"errors"', '"coil:7"')
    profile = parsed(TEXT + rows + rows.replace("coil:7", "discrete:2").replace("supply", "supply"))

    spans = spans_of(profile, "fast")
    found = decoded(profile, words(at_10="4120 0000") | {(1, 7): 1, (2, 2): 0})

    assert [(span.function_code, span.address) for span in spans] == [(1, 7), (2, 2), (3, 10)]
    assert found.events == ("supply_fail",)


def test_a_value_that_means_alarm_anywhere_is_no_value_anywhere() -> None:
    row = status_row("meter_alarm", "value = 999999").replace('"errors"', '"*"')
    profile = parsed(TEXT + row)

    found = decoded(profile, words(at_10="4974 23F0"))

    assert not found.values
    assert quality_of(found) == {"flow_m3h": "bad_sentinel"}
    assert found.events == ("meter_alarm",)


def test_the_wrong_meter_behind_an_address_gives_no_value() -> None:
    text = TEXT + register("serial", 50, 'count = 4\ntype = "string"\nquantity = "serial"')
    profile = parsed(text + '\n[guard]\nregister = "serial"\nequals = "serial"\n')
    mine = words(at_10="4120 0000", at_50="3132 3334 3536 3738")
    identity = MeantMeter(device_address=1, serial="12345678")
    stranger = MeantMeter(device_address=1, serial="87654321")

    assert Span(function_code=3, address=50, word_count=4) in spans_of(profile, "fast")
    assert decode_group(profile, "fast", mine, {}, identity).values == {Quantity.FLOW_M3H: 10.0}
    assert decode_group(profile, "fast", mine, {}).values == {Quantity.FLOW_M3H: 10.0}
    assert quality_of(decode_group(profile, "fast", mine, {}, stranger)) == {
        "flow_m3h": "bad_mismatch"
    }


def test_an_unread_guard_proves_nothing() -> None:
    text = TEXT + register("serial", 50, 'count = 4\ntype = "string"\nquantity = "serial"')
    profile = parsed(text + '\n[guard]\nregister = "serial"\nequals = "serial"\n')
    image = words(at_10="4120 0000")
    identity = MeantMeter(device_address=1, serial="12345678")

    found = decode_group(profile, "fast", image, {(3, 50): BAD_TIMEOUT}, identity)

    assert (dict(found.values), quality_of(found)) == ({}, {"flow_m3h": "bad_timeout"})


def test_without_a_guard_any_identity_will_do() -> None:
    identity = MeantMeter(device_address=1, serial="x")

    found = decode_group(parsed(), "fast", words(at_10="4120 0000"), {}, identity)

    assert found.values == {Quantity.FLOW_M3H: 10.0}


def test_a_counter_that_counts_down_is_turned_round() -> None:
    profile = with_register(
        'count = 2\ntype = "i32"\nunit = "kWh"\nquantity = "energy_cold"\nnegative = true'
    )

    found = decoded(profile, words(at_10="4120 0000", at_30="FFFF FFC8"))

    assert found.values[Quantity.ENERGY_COLD_KWH] == 56.0
    assert found.local["total"] == -56


def test_one_register_may_have_a_byte_order_of_its_own() -> None:
    profile = with_register(
        'count = 2\ntype = "u32"\norder = "CDAB"\nunit = "m3"\nquantity = "volume"'
    )

    assert decoded(profile, words(at_30="86A0 0001")).values == {Quantity.VOLUME_M3: 100000.0}


def test_a_printed_bar_with_its_reference_needs_no_other_key() -> None:
    gauge = with_register('count = 1\ntype = "u16"\nunit = "bar(g)"\nquantity = "pressure"')
    absolute = with_register('count = 1\ntype = "u16"\nunit = "bar(a)"\nquantity = "pressure"')

    assert decoded(gauge, words(at_30="0004")).values == {Quantity.PRESSURE_BARG: 4.0}
    assert decoded(absolute, words(at_30="0004")).values == {Quantity.PRESSURE_BARA: 4.0}


def test_packed_bytes_have_their_names() -> None:
    profile = with_register('count = 1\ntype = "u16"\nsplit = "hi:step,lo:quality"')

    found = decoded(profile, words(at_30="5226"))

    assert found.local["total"] == {"step": 0x52, "quality": 0x26}


def test_registers_are_decoded_without_a_group() -> None:
    profile = parsed(HEAD + FLOW + register("serial", 50, 'count = 2\ntype = "string"'))

    assert decode_registers(profile, words(at_10="4120 0000", at_50="4131 0000")) == {
        "flow": 10.0,
        "serial": "A1",
    }


def test_an_atomic_set_is_one_read() -> None:
    text = TEXT + "".join(
        register(name, at, f'count = 1\ntype = "u16"\ngroup = "slow"\natomic = "latch"\n'
                 f'unit = "{unit}"\nquantity = "{quantity}"')
        for name, at, unit, quantity in (
            ("v", 60, "m3", "volume"), ("e", 66, "kWh", "energy_heat"),
        )
    )  # fmt: skip

    assert spans_of(parsed(text), "slow") == (Span(function_code=3, address=60, word_count=7),)


def test_an_unknown_group_names_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"has no group 'often'; it has fast, slow"):
        spans_of(parsed(), "often")


def test_inputs_are_left_alone() -> None:
    image = words(at_10="4120 0000")
    faults = {(3, 99): BAD_TIMEOUT}
    before = (dict(image), dict(faults))

    decode_group(parsed(), "fast", image, faults)

    assert (image, faults) == before


@pytest.mark.parametrize("reference", available_profiles())
@given(data=st.data())
def test_whatever_is_answered_there_is_a_value_or_a_reason(
    reference: str, data: st.DataObject
) -> None:
    profile = load_profile(reference)
    group = data.draw(st.sampled_from(sorted(profile.groups)))
    asked = [at for span in spans_of(profile, group) for at in span.addresses()]
    answers = st.integers(0, 0xFFFF) | st.sampled_from([0, 1, 0xFFFF, 0x7FC0])
    image = data.draw(st.dictionaries(st.sampled_from(asked), answers))
    image |= dict.fromkeys(data.draw(st.sets(st.sampled_from(asked))), 0)
    before = dict(image)

    found = decode_group(profile, group, image, {})

    wanted = {item.wire for item in group_registers(profile, group) if item.wire is not None}
    bad = {name for name, code in found.quality.items() if is_bad(code)}
    assert found.values.keys() | bad == wanted
    assert not found.values.keys() & bad
    assert all(math.isfinite(value) for value in found.values.values())
    assert image == before


@pytest.mark.parametrize("reference", available_profiles())
@given(data=st.data())
def test_one_missing_word_takes_every_value_that_needs_it(
    reference: str, data: st.DataObject
) -> None:
    profile = load_profile(reference)
    image = encode_values(profile, dict.fromkeys(wire_registers(profile), 12.0))
    group = data.draw(st.sampled_from(sorted(profile.groups)))
    asked = [at for span in spans_of(profile, group) for at in span.addresses()]
    lost = data.draw(st.sampled_from(asked))

    found = decode_group(
        profile, group, {at: word for at, word in image.items() if at != lost}, {lost: BAD_CRC}
    )

    for quantity, register_ in wire_registers(profile).items():
        parts = [register_.name, *register_.companions.all()]
        needs = {at for name in parts for at in profile.registers[name].span.addresses()}
        if register_.group == group and lost in needs:
            assert quantity not in found.values
            assert found.quality[quantity] == BAD_CRC


def test_a_register_that_cannot_be_joined_is_read_apart() -> None:
    text = HEAD.replace("function_codes", "max_registers = 4\nfunction_codes") + FLOW
    for name, address in (("a", 30), ("b", 32), ("c", 31)):
        text += register(name, address, 'count = 4\ntype = "string"\ngroup = "slow"')

    spans = spans_of(parsed(text), "slow")

    assert [(span.address, span.word_count) for span in spans] == [(30, 4), (31, 4), (32, 4)]


def test_an_overflowing_number_is_no_value() -> None:
    profile = with_register(
        'count = 4\ntype = "f64"\nunit = "GWh"\nquantity = "energy_heat"\nscale = "1e40"'
    )

    found = decoded(profile, words(at_10="4120 0000", at_30="7FEF FFFF FFFF FFFF"))

    assert quality_of(found) == {"energy_kwh": "bad_profile"}


def test_a_text_status_is_compared_as_text() -> None:
    text = TEXT + register("letter", 20, 'count = 1\ntype = "string"\nquantity = "status"')
    row = status_row("meter_error", 'value = "E"').replace('"errors"', '"letter"')

    assert decoded(parsed(text + row), words(at_10="4120 0000", at_20="4500")).events == (
        "meter_error",
    )
    assert decoded(parsed(text + row), words(at_10="4120 0000", at_20="5200")).events == ()


def test_a_clock_is_no_status() -> None:
    text = TEXT + register("clock", 20, 'count = 3\ntype = "time6"\nquantity = "clock"')
    row = status_row("clock_jump", "value = 1").replace('"errors"', '"clock"')

    assert decoded(parsed(text + row), words(at_20="0001 0001 0001")).events == ()


def test_a_register_whose_bits_are_a_sentinel_has_no_local_value_either() -> None:
    profile = with_register('count = 1\ntype = "u16"\nquantity = "diag"\nsentinel = 65535')

    assert "total" not in decoded(profile, words(at_30="FFFF")).local
