"""The words a profile may use: table keys, quantities, events, and units that stay local."""

from collections.abc import Mapping


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TABLES = frozenset(
    {
        "profile",
        "link",
        "addressing",
        "decode",
        "source",
        "identify",
        "register",
        "status",
        "quirk",
        "group",
        "guard",
        "write",
        "base",
        "test",
        "validity",
    }
)

KINDS = ("heat", "steam", "gas", "water", "controller")
"""Kinds of meters; they decide which wire names a quantity has."""

KEYS: Mapping[str, frozenset[str]] = {
    "profile": _words(
        "id rev manufacturer model aliases kind medium variant firmware_min firmware_max confidence"
    ),
    "link": _words(
        "transport port baud baud_default baud_max parity stopbits unit_default unit_rule "
        "function_codes max_registers forbidden min_poll_ms min_refresh_s gap_ms timeout_ms "
        "turnaround_ms after_connect_ms echo login"
    ),
    "addressing": frozenset({"doc_base", "wire", "note"}),
    "decode": frozenset({"byte_order", "word_order", "note"}),
    "source": frozenset({"where", "kind"}),
    "identify": _words(
        "method fc address count type order unit_id_offset byte_in_word equals in min max mask "
        "bit starts contains as object register sum tolerance manufacturer version note"
    ),
    "register": _words(
        "name fc address count type scale unit quantity meaning access doc_address "
        "unit_from exponent_from multiplier_from decimals_from resolution_from decimal_part "
        "part part_of unit_id_offset byte_in_word decimals split firmware sentinel conflict "
        "basis doubtful group atomic min max max_rate wire reference order low_part "
        "rollover_from rollover_span negative exponent_offset codes preset valid_if clock "
        "may_fall floor"
    ),
    "status": _words("register bit mask value name event severity basis note bad suspect counter"),
    "validity": _words("name of need otherwise event note"),
    "quirk": frozenset({"text"}),
    "guard": frozenset({"register", "equals"}),
    "base": frozenset({"pressure_bara", "temperature_degc", "source"}),
    "test": _words("name origin fc regs expect quality events note"),
}
"""Keys of each table: SCHEMA and RULINGS R16, and those that docs/profiles.md adds."""

_STEMS = _words(
    "energy_heat energy_cold energy_net energy_tariff energy_day energy_month energy_year "
    "energy_cold_day energy_cold_month energy_cold_year energy energy_heat_grand power "
    "power_max power_cold volume volume2 volume_forward volume_reverse volume_net volume_actual "
    "volume_base volume_measured volume_corrected volume_converted volume_at_error volume_day "
    "volume_tariff volume_grand volume_base_grand volume_base_err volume_base_total flow "
    "flow_actual flow_measured flow_base flow_converted flow_corrected mass mass_grand mass_flow "
    "temp_supply temp_return temp_outdoor temp_room temp_aux temp_dhw temp_primary_supply "
    "temp_primary_return delta_t temperature pressure diff_pressure fallback_pressure "
    "fallback_temperature conversion_factor correction_factor compressibility "
    "compressibility_base density enthalpy heat_value velocity sound_speed gas_lel"
)
_WHOLE = _words(
    "clock on_time error_time serial meter_no installation_no customer_number model firmware "
    "firmware_crc module_version status alarm_active alarm_registered mode config diag aux "
    "command exponent rollover battery_days unknown"
)
_SUFFIXES = ("", "_int", "_frac", "_high", "_low", "_err")

QUANTITIES = _WHOLE | {stem + suffix for stem in _STEMS for suffix in _SUFFIXES}
"""Quantities of SCHEMA and of its maps; any other word is a slip of the keyboard."""

EVENTS = _words(
    "leak_water empty_pipe reverse_flow over_flow flow_sensor_no_signal flow_sensor_weak "
    "temp_sensor_fault pressure_sensor_fault sensor_fault temp_limit pressure_low pressure_high "
    "tamper valve_open valve_closed valve_fault prepay_low prepay_overdraft battery_low "
    "supply_fail electronics_fault conversion_fault counter_fault pulse_mismatch config_changed "
    "clock_jump restart log_full external_alarm process_alarm comm_internal_fault "
    "installation_error meter_error meter_alarm not_available ok_measuring"
)
"""Canonical events of SCHEMA."""

LOCAL_UNITS = _words(
    "A mA V ohm Hz s ms us ns min h d mm m m/s kg/m3 mol% MJ/m3 MJ/Nm3 kJ/kg count lb lb/h psig "
    "kBTU kBTU/h"
)
"""Units of values that never leave the gateway."""

LEADING_SUFFIXES = ("_int", "_high")
"""A register whose quantity ends so leads a composite: it produces the whole value."""

PART_SUFFIXES = ("_frac", "_low", "_err")
"""A register whose quantity ends so is only a part, or no measurement."""
