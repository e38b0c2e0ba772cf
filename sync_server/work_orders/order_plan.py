"""Decides what kind of order an alert becomes: type, safety class and title."""

from dataclasses import dataclass

from wire_contracts.kinds import FAMILY, Family, Kind
from wire_contracts.orders import OrderType, SafetyClass
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPlan:
    """What to ask of the crew; the due time follows from type and class by policy."""

    order_type: OrderType
    safety_class: SafetyClass
    title: BilingualText


_TYPE: dict[Family, OrderType] = {
    Family.EXCESS: OrderType.LEAK_CHECK,
    Family.NETWORK: OrderType.LEAK_CHECK,
    Family.DROP: OrderType.METER_CHECK,
    Family.THERMAL: OrderType.METER_CHECK,
    Family.REGISTER: OrderType.METER_CHECK,
    Family.COMM: OrderType.COMM_CHECK,
}

_CLASS: dict[tuple[Kind, Medium], SafetyClass] = {
    (Kind.BURST, Medium.GAS): SafetyClass.A,
    (Kind.SLOW_LEAK, Medium.GAS): SafetyClass.A,
    (Kind.VALVE_OPEN, Medium.GAS): SafetyClass.A,
    (Kind.NETWORK_LEAK, Medium.GAS): SafetyClass.A,
    (Kind.BURST, Medium.HEAT): SafetyClass.A,
    (Kind.BURST, Medium.WATER): SafetyClass.B,
    (Kind.SLOW_LEAK, Medium.HEAT): SafetyClass.B,
    (Kind.NETWORK_LEAK, Medium.HEAT): SafetyClass.B,
    (Kind.NETWORK_LEAK, Medium.WATER): SafetyClass.B,
    (Kind.BYPASS, Medium.GAS): SafetyClass.B,
}
"""A: gas leak and hot-water burst (domain model 2.5). B: damage within hours, or gas that flows
unmeasured. Everything not listed is C."""

_SUBJECT: dict[Kind, tuple[str, str]] = {
    Kind.SLOW_LEAK: ("Suspected leak", "疑似泄漏"),
    Kind.BURST: ("Suspected burst", "疑似爆管"),
    Kind.VALVE_OPEN: ("Valve left open", "疑似阀门未关"),
    Kind.BYPASS: ("Suspected bypass", "疑似旁通用量"),
    Kind.STUCK: ("Meter may be stuck", "疑似表计卡滞"),
    Kind.RETURN_HIGH: ("Return temperature too high", "回水温度偏高"),
    Kind.TEMP_DRIFT: ("Temperature sensor drifts", "温度传感器漂移"),
    Kind.ROLLOVER: ("Register rolled over", "累计量翻转"),
    Kind.EXCHANGE: ("Meter may have been exchanged", "疑似换表"),
    Kind.REVERSED: ("Meter may run backwards", "疑似倒转"),
    Kind.UNIT_SCALE: ("Unit or scale may be wrong", "单位或倍率疑误"),
    Kind.CLOCK_SHIFT: ("Meter clock is off", "表计时钟偏差"),
    Kind.COMM_GAP: ("Meter is silent", "表计无通讯"),
    Kind.COMM_FROZEN: ("Values are frozen", "数值不变化"),
    Kind.NETWORK_LEAK: ("Suspected leak in the network", "疑似管网泄漏"),
}

_MEDIUM: dict[Medium, tuple[str, str]] = {
    Medium.GAS: ("gas", "燃气"),
    Medium.HEAT: ("heat", "供热"),
    Medium.WATER: ("water", "供水"),
}


def plan_order(kind: Kind, medium: Medium, meter_id: str) -> OrderPlan:
    """Return what the crew is asked to do about an alert of this kind on this medium."""
    subject_en, subject_zh = _SUBJECT[kind]
    medium_en, medium_zh = _MEDIUM[medium]
    title = BilingualText(
        en=f"{subject_en} ({medium_en}), meter {meter_id}",
        zh=f"{medium_zh}{subject_zh}，表号 {meter_id}",
    )
    return OrderPlan(
        order_type=_TYPE[FAMILY[kind]],
        safety_class=_CLASS.get((kind, medium), SafetyClass.C),
        title=title,
    )
