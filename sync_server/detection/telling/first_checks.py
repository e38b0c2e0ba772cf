"""Decides what a crew should check first, by what is wrong and by medium, in both languages.

What is in the lists, and its order, is judgement: what crews find most often comes first. Where a
gas leak is possible the measurement before the door comes before everything else (RULINGS R6).
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from wire_contracts.kinds import Kind
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText


class FirstCheck(StrEnum):
    """One thing to check."""

    TAPS_AND_BOILERS = "taps_and_boilers"
    TOILET_CISTERN = "toilet_cistern"
    WET_GROUND = "wet_ground"
    GAS_BEFORE_ENTERING = "gas_before_entering"
    HOSES_AND_BURNERS = "hoses_and_burners"
    GAS_IN_WELLS = "gas_in_wells"
    SCALDING = "scalding"
    DRAINS_AND_VENTS = "drains_and_vents"
    TAPS_ON_HEATING = "taps_on_heating"
    CONTROL_VALVE = "control_valve"
    BYPASS_AND_SEALS = "bypass_and_seals"
    REGISTER_MOVES = "register_moves"
    BURNER_MOVES_REGISTER = "burner_moves_register"
    HEAT_EXCHANGER = "heat_exchanger"
    TEMPERATURE_SENSORS = "temperature_sensors"
    METER_NUMBER = "meter_number"
    PULSE_VALUE = "pulse_value"
    FLOW_DIRECTION = "flow_direction"
    METER_CLOCK = "meter_clock"
    METER_POWER_AND_CABLE = "meter_power_and_cable"
    NETWORK_SECTION = "network_section"


def first_checks(kind: Kind, medium: Medium) -> Sequence[BilingualText]:
    """Return what to check first at a meter of this medium, the likeliest first; never empty."""
    checks = _BY_MEDIUM.get(medium, {}).get(kind) or _BY_KIND[kind]
    return tuple(words_of(each) for each in checks)


def words_of(check: FirstCheck) -> BilingualText:
    """Return a check in both languages."""
    return _WORDS[check]


_BY_KIND: Mapping[Kind, Sequence[FirstCheck]] = {
    Kind.SLOW_LEAK: (
        FirstCheck.TOILET_CISTERN,
        FirstCheck.TAPS_AND_BOILERS,
        FirstCheck.WET_GROUND,
    ),
    Kind.BURST: (FirstCheck.WET_GROUND, FirstCheck.TAPS_AND_BOILERS),
    Kind.VALVE_OPEN: (FirstCheck.CONTROL_VALVE, FirstCheck.TAPS_AND_BOILERS),
    Kind.BYPASS: (FirstCheck.BYPASS_AND_SEALS, FirstCheck.REGISTER_MOVES),
    Kind.STUCK: (FirstCheck.REGISTER_MOVES, FirstCheck.BYPASS_AND_SEALS),
    Kind.RETURN_HIGH: (FirstCheck.CONTROL_VALVE, FirstCheck.HEAT_EXCHANGER),
    Kind.TEMP_DRIFT: (FirstCheck.TEMPERATURE_SENSORS,),
    Kind.ROLLOVER: (FirstCheck.METER_NUMBER,),
    Kind.EXCHANGE: (FirstCheck.METER_NUMBER,),
    Kind.REVERSED: (FirstCheck.FLOW_DIRECTION,),
    Kind.UNIT_SCALE: (FirstCheck.PULSE_VALUE, FirstCheck.METER_NUMBER),
    Kind.CLOCK_SHIFT: (FirstCheck.METER_CLOCK,),
    Kind.COMM_GAP: (FirstCheck.METER_POWER_AND_CABLE,),
    Kind.COMM_FROZEN: (FirstCheck.METER_POWER_AND_CABLE, FirstCheck.REGISTER_MOVES),
    Kind.NETWORK_LEAK: (FirstCheck.NETWORK_SECTION, FirstCheck.WET_GROUND),
}

_GAS_LEAK = (
    FirstCheck.GAS_BEFORE_ENTERING,
    FirstCheck.HOSES_AND_BURNERS,
    FirstCheck.GAS_IN_WELLS,
)
_GAS: Mapping[Kind, Sequence[FirstCheck]] = {
    Kind.SLOW_LEAK: _GAS_LEAK,
    Kind.BURST: _GAS_LEAK,
    Kind.VALVE_OPEN: (FirstCheck.GAS_BEFORE_ENTERING, FirstCheck.HOSES_AND_BURNERS),
    Kind.BYPASS: (
        FirstCheck.GAS_BEFORE_ENTERING,
        FirstCheck.BYPASS_AND_SEALS,
        FirstCheck.BURNER_MOVES_REGISTER,
    ),
    Kind.STUCK: (FirstCheck.BURNER_MOVES_REGISTER, FirstCheck.BYPASS_AND_SEALS),
    Kind.COMM_FROZEN: (FirstCheck.METER_POWER_AND_CABLE, FirstCheck.BURNER_MOVES_REGISTER),
    Kind.NETWORK_LEAK: (FirstCheck.GAS_IN_WELLS, FirstCheck.NETWORK_SECTION),
}
_HEAT: Mapping[Kind, Sequence[FirstCheck]] = {
    Kind.SLOW_LEAK: (
        FirstCheck.SCALDING,
        FirstCheck.DRAINS_AND_VENTS,
        FirstCheck.TAPS_ON_HEATING,
    ),
    Kind.BURST: (FirstCheck.SCALDING, FirstCheck.WET_GROUND, FirstCheck.DRAINS_AND_VENTS),
    Kind.VALVE_OPEN: (FirstCheck.CONTROL_VALVE, FirstCheck.TEMPERATURE_SENSORS),
    Kind.STUCK: (FirstCheck.METER_POWER_AND_CABLE, FirstCheck.BYPASS_AND_SEALS),
    Kind.REVERSED: (FirstCheck.FLOW_DIRECTION, FirstCheck.TEMPERATURE_SENSORS),
    Kind.COMM_FROZEN: (FirstCheck.METER_POWER_AND_CABLE,),
    Kind.NETWORK_LEAK: (
        FirstCheck.SCALDING,
        FirstCheck.NETWORK_SECTION,
        FirstCheck.TAPS_ON_HEATING,
    ),
}
_BY_MEDIUM: Mapping[Medium, Mapping[Kind, Sequence[FirstCheck]]] = {
    Medium.GAS: _GAS,
    Medium.HEAT: _HEAT,
}
"""What differs from the common list, which speaks of water."""


def _two(en: str, zh: str) -> BilingualText:
    return BilingualText(en=en, zh=zh)


_WORDS: Mapping[FirstCheck, BilingualText] = {
    FirstCheck.TAPS_AND_BOILERS: _two(
        "Taps, hoses and boilers inside.", "检查室内龙头、软管和热水器。"
    ),
    FirstCheck.TOILET_CISTERN: _two("Toilet cistern and float valve.", "检查马桶水箱和浮球阀。"),
    FirstCheck.WET_GROUND: _two("Wet ground or sound along the pipe.", "沿管线查看潮湿处、听漏。"),
    FirstCheck.GAS_BEFORE_ENTERING: _two(
        "Measure % LEL before entering; no flame, no switches. Soap test at meter and joints.",
        "进入前先测可燃气浓度，禁止明火和开关电器；用肥皂水检查表和接口。",
    ),
    FirstCheck.HOSES_AND_BURNERS: _two(
        "Stove hose old, cracked or off? A burner open, a flame gone out?",
        "灶具软管是否老化、破裂、脱落？灶头是否未关或熄火？",
    ),
    FirstCheck.GAS_IN_WELLS: _two(
        "Wells and covers along the pipe: measure at the rim before you lift one.",
        "沿管线检查阀井和井盖：开盖前先在井口边缘测可燃气。",
    ),
    FirstCheck.SCALDING: _two(
        "Steam or hot water? Keep people away, wear protection.",
        "有无蒸汽或热水喷出？疏散人员，穿戴防烫护具。",
    ),
    FirstCheck.DRAINS_AND_VENTS: _two(
        "Drain and vent valves shut? Radiators, joints and insulation dry?",
        "泄水阀、放气阀是否关严？散热器、接口、保温层是否干燥？",
    ),
    FirstCheck.TAPS_ON_HEATING: _two(
        "Is heating water drawn at homes (taps on radiators)?",
        "用户是否从散热器放水、私接龙头？",
    ),
    FirstCheck.CONTROL_VALVE: _two("Does the control valve close?", "调节阀是否能关严？"),
    FirstCheck.BYPASS_AND_SEALS: _two(
        "Seals whole? Any pipe past the meter?", "铅封是否完好？有无绕表管？"
    ),
    FirstCheck.REGISTER_MOVES: _two(
        "Draw some: does the register move?", "用一点，看累计量是否走动。"
    ),
    FirstCheck.BURNER_MOVES_REGISTER: _two(
        "No gas in the room? Light one burner: does the register move?",
        "确认室内无燃气后点一个灶头，看累计量是否走动。",
    ),
    FirstCheck.HEAT_EXCHANGER: _two("Heat exchanger fouled?", "换热器是否结垢堵塞？"),
    FirstCheck.TEMPERATURE_SENSORS: _two(
        "Both sensors seated, not swapped, in the right pipe?",
        "两支温度传感器是否插到位、是否接反？",
    ),
    FirstCheck.METER_NUMBER: _two(
        "Is the number on the meter the one on file?", "现场表号与档案是否一致？"
    ),
    FirstCheck.PULSE_VALUE: _two(
        "Pulse value and unit set as on the plate?", "脉冲当量、单位与铭牌是否一致？"
    ),
    FirstCheck.FLOW_DIRECTION: _two(
        "Does the arrow point with the flow?", "表体箭头与流向是否一致？"
    ),
    FirstCheck.METER_CLOCK: _two("What time does the meter show?", "表上显示的时间是多少？"),
    FirstCheck.METER_POWER_AND_CABLE: _two(
        "Display on? Cable and gateway sound?", "表计显示是否正常？线路和网关是否完好？"
    ),
    FirstCheck.NETWORK_SECTION: _two(
        "Close sections one after the other and watch the station.", "逐段关阀，观察总表变化。"
    ),
}
