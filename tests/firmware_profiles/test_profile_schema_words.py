"""Every key, type, quantity and event of the shared schema of register maps is understood."""

import pytest

from firmware_profiles.codings import WireType
from firmware_profiles.probe import ProbeMethod
from firmware_profiles.vocabulary import EVENTS, KEYS, KINDS, QUANTITIES

SCHEMA_KEYS = {
    "profile": "id manufacturer model aliases kind medium variant firmware_min firmware_max "
    "confidence",
    "link": "transport port baud baud_default baud_max parity stopbits unit_default unit_rule "
    "function_codes max_registers min_poll_ms min_refresh_s login",
    "addressing": "doc_base wire note",
    "decode": "byte_order word_order note",
    "source": "where kind",
    "identify": "method fc address count type equals in note",
    "register": "name fc address count type scale unit quantity meaning access doc_address "
    "unit_from exponent_from multiplier_from decimals_from resolution_from decimal_part part "
    "part_of unit_id_offset byte_in_word decimals split firmware sentinel conflict basis doubtful",
    "status": "register bit mask value name event severity basis note",
    "quirk": "text",
}
RULED_KEYS = {
    "profile": "rev",
    "register": "group atomic sentinel min max max_rate",
}
QUANTITY_WORDS = """
energy_heat energy_cold energy_net energy_tariff energy_day energy_month energy_year power volume
volume_forward volume_reverse volume_net volume_actual volume_base volume_measured volume_corrected
volume_converted volume_at_error flow flow_actual flow_converted mass mass_flow temp_supply
temp_return delta_t temperature pressure conversion_factor compressibility density velocity
sound_speed clock on_time error_time serial model firmware firmware_crc module_version
customer_number status mode config diag aux command
"""
EVENT_WORDS = """
leak_water empty_pipe reverse_flow over_flow flow_sensor_no_signal flow_sensor_weak
temp_sensor_fault pressure_sensor_fault sensor_fault temp_limit pressure_low pressure_high tamper
valve_open valve_closed valve_fault prepay_low prepay_overdraft battery_low supply_fail
electronics_fault conversion_fault counter_fault pulse_mismatch config_changed clock_jump restart
log_full external_alarm process_alarm comm_internal_fault installation_error meter_error
meter_alarm not_available ok_measuring
"""
TYPE_WORDS = """
u8 u16 i16 u32 i32 u64 f32 f64 bitfield16 bitfield32 bcd32 bcd48 string time6 intreal
"""


@pytest.mark.parametrize("table", sorted(SCHEMA_KEYS))
def test_every_key_is_known(table: str) -> None:
    wanted = set(SCHEMA_KEYS[table].split()) | set(RULED_KEYS.get(table, "").split())

    assert wanted - KEYS[table] == set()


def test_every_table_of_the_ruling_is_known() -> None:
    assert {"guard", "test"} <= KEYS.keys()


def test_every_word_is_known() -> None:
    assert set(QUANTITY_WORDS.split()) - QUANTITIES == set()
    assert set(EVENT_WORDS.split()) - EVENTS == set()
    assert set(TYPE_WORDS.split()) - set(WireType) == set()
    assert {"heat", "gas", "water", "steam", "controller"} == set(KINDS)
    methods = {"registers", "fc2b_0e", "mbus", "plausibility", "word_order_probe", "note"}
    assert methods == set(ProbeMethod)


@pytest.mark.parametrize("suffix", ["_int", "_frac", "_high", "_low", "_err"])
def test_every_suffix_marks_a_part(suffix: str) -> None:
    assert f"volume{suffix}" in QUANTITIES
    assert f"energy_heat{suffix}" in QUANTITIES
