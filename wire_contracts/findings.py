"""The structured causes a crew may name, by medium and result, in both languages."""

from collections.abc import Mapping
from enum import StrEnum

from wire_contracts.kinds import FindingResult
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText


class Cause(StrEnum):
    """Why the meter said what it said, as the crew saw it on site."""

    JOINT = "joint"
    FLANGE_OR_VALVE = "flange_or_valve"
    CORRODED_PIPE = "corroded_pipe"
    BURST_PIPE = "burst_pipe"
    THIRD_PARTY_DAMAGE = "third_party_damage"
    METER_BODY = "meter_body"
    INDOOR_APPLIANCE = "indoor_appliance"
    RUNNING_FIXTURE = "running_fixture"
    RADIATOR_OR_EXCHANGER = "radiator_or_exchanger"
    COMPENSATOR = "compensator"
    STUCK_MECHANISM = "stuck_mechanism"
    WORN_MECHANISM = "worn_mechanism"
    SENSOR_FAULT = "sensor_fault"
    TEMPERATURE_SENSOR = "temperature_sensor"
    WRONG_SETTING = "wrong_setting"
    WRONG_INSTALLATION = "wrong_installation"
    BYPASS_OPEN = "bypass_open"
    COMMUNICATION = "communication"
    POWER_SUPPLY = "power_supply"
    CHANGED_USE = "changed_use"
    NEW_EQUIPMENT = "new_equipment"
    PLANNED_WORK = "planned_work"
    NOTHING_FOUND = "nothing_found"
    SEE_NOTE = "see_note"


CAUSE_TEXT: dict[Cause, BilingualText] = {
    Cause.JOINT: BilingualText(en="Joint or thread", zh="接头或丝扣"),
    Cause.FLANGE_OR_VALVE: BilingualText(en="Flange or valve", zh="法兰或阀门"),
    Cause.CORRODED_PIPE: BilingualText(en="Corroded pipe", zh="管道腐蚀"),
    Cause.BURST_PIPE: BilingualText(en="Burst pipe", zh="爆管"),
    Cause.THIRD_PARTY_DAMAGE: BilingualText(en="Damage by others", zh="第三方破坏"),
    Cause.METER_BODY: BilingualText(en="Meter body", zh="表体"),
    Cause.INDOOR_APPLIANCE: BilingualText(en="Appliance or hose", zh="燃具或软管"),
    Cause.RUNNING_FIXTURE: BilingualText(en="Running tap or cistern", zh="水龙头或水箱常流"),
    Cause.RADIATOR_OR_EXCHANGER: BilingualText(en="Radiator or exchanger", zh="散热器或换热器"),
    Cause.COMPENSATOR: BilingualText(en="Compensator", zh="补偿器"),
    Cause.STUCK_MECHANISM: BilingualText(en="Mechanism stuck", zh="机芯卡滞"),
    Cause.WORN_MECHANISM: BilingualText(en="Mechanism worn", zh="机芯磨损"),
    Cause.SENSOR_FAULT: BilingualText(en="Flow sensor", zh="流量传感器故障"),
    Cause.TEMPERATURE_SENSOR: BilingualText(en="Temperature sensor", zh="温度传感器故障"),
    Cause.WRONG_SETTING: BilingualText(en="Wrong setting", zh="参数设置错误"),
    Cause.WRONG_INSTALLATION: BilingualText(en="Wrong installation", zh="安装错误"),
    Cause.BYPASS_OPEN: BilingualText(en="Bypass open", zh="旁通开启"),
    Cause.COMMUNICATION: BilingualText(en="Cable or transmitter", zh="通讯线路或模块"),
    Cause.POWER_SUPPLY: BilingualText(en="Power or battery", zh="供电或电池"),
    Cause.CHANGED_USE: BilingualText(en="Use has changed", zh="用量变化"),
    Cause.NEW_EQUIPMENT: BilingualText(en="New equipment", zh="新增设备"),
    Cause.PLANNED_WORK: BilingualText(en="Planned work", zh="计划作业"),
    Cause.NOTHING_FOUND: BilingualText(en="Nothing found", zh="未发现异常"),
    Cause.SEE_NOTE: BilingualText(en="Something else, see note", zh="其他情况见备注"),
}

_LEAKS: dict[Medium, tuple[Cause, ...]] = {
    Medium.GAS: (
        Cause.JOINT,
        Cause.FLANGE_OR_VALVE,
        Cause.INDOOR_APPLIANCE,
        Cause.METER_BODY,
        Cause.CORRODED_PIPE,
        Cause.THIRD_PARTY_DAMAGE,
    ),
    Medium.WATER: (
        Cause.RUNNING_FIXTURE,
        Cause.JOINT,
        Cause.FLANGE_OR_VALVE,
        Cause.BURST_PIPE,
        Cause.CORRODED_PIPE,
        Cause.METER_BODY,
        Cause.THIRD_PARTY_DAMAGE,
    ),
    Medium.HEAT: (
        Cause.RADIATOR_OR_EXCHANGER,
        Cause.JOINT,
        Cause.FLANGE_OR_VALVE,
        Cause.COMPENSATOR,
        Cause.BURST_PIPE,
        Cause.CORRODED_PIPE,
        Cause.THIRD_PARTY_DAMAGE,
    ),
}

_METER_FAULTS = (
    Cause.STUCK_MECHANISM,
    Cause.WORN_MECHANISM,
    Cause.SENSOR_FAULT,
    Cause.WRONG_SETTING,
    Cause.WRONG_INSTALLATION,
    Cause.BYPASS_OPEN,
    Cause.COMMUNICATION,
    Cause.POWER_SUPPLY,
)

_NORMAL = (
    Cause.CHANGED_USE,
    Cause.NEW_EQUIPMENT,
    Cause.PLANNED_WORK,
    Cause.NOTHING_FOUND,
)


def causes_for(medium: Medium, result: FindingResult) -> tuple[Cause, ...]:
    """Return the causes to offer, likeliest first; SEE_NOTE is always the last."""
    offered: Mapping[FindingResult, tuple[Cause, ...]] = {
        FindingResult.LEAK: _LEAKS[medium],
        FindingResult.INACCURATE: (
            (Cause.TEMPERATURE_SENSOR, *_METER_FAULTS) if medium is Medium.HEAT else _METER_FAULTS
        ),
        FindingResult.NORMAL: _NORMAL,
        FindingResult.OTHER: (Cause.THIRD_PARTY_DAMAGE, Cause.PLANNED_WORK),
    }
    return (*offered[result], Cause.SEE_NOTE)
