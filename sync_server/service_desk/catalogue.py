"""The catalogue of requests: what follows from what a caller comes with, and what to say.

Classes and priorities: domain model 2.5 (class A) and the order safety, urgency, vulnerability,
time of policy K10. Guidance: steps that every utility of the sources tells callers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sync_server.customers.customer import Flag
from sync_server.service_desk.request import RequestClass, RequestKind
from wire_contracts.orders import OrderType, SafetyClass
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText

_A, _B, _C = SafetyClass.A, SafetyClass.B, SafetyClass.C
_GAS, _HEAT, _WATER = Medium.GAS, Medium.HEAT, Medium.WATER


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRule:
    """What follows from a class.

    Attributes:
        medium: None where it follows from the meter or does not matter.
        priority: 1 (most urgent) to 4.
        order_type: What a crew is asked to do; None: nobody drives out.
        codes: What an agent types for it, in both languages.
        guidance: What to tell the caller at once; None: nothing special.
    """

    kind: RequestKind
    medium: Medium | None
    safety_class: SafetyClass
    priority: int
    order_type: OrderType | None
    codes: Sequence[str]
    guidance: BilingualText | None = None


_LEAVE = BilingualText(
    en="Say: do not switch anything, no flame, no phone inside. Close the valve before the meter "
    "if you can reach it, open windows, everybody out, wait outside. A crew comes now.",
    zh="告知：不要开关电器，禁止明火，不要在室内打电话。能够到的话关闭表前阀，开窗，全部人员撤到室外等候。"
    "抢修人员马上出发。",
)
_AIR = BilingualText(
    en="Say: everybody out into fresh air now; headache or dizziness: call 120. Do not go back in.",
    zh="告知：立即全部撤到室外通风处；头痛、头晕请拨打 120。不要再进入室内。",
)
_HOT = BilingualText(
    en="Say: keep away from the water and steam, it is above 60 °C; keep children away.",
    zh="告知：远离热水和蒸汽（高于 60 ℃），看护好儿童。",
)
_STOP_VALVE = BilingualText(
    en="Ask: is the stop valve indoors open? Do the neighbours have supply? Neighbours have it: "
    "user side, guide by phone; neighbours have none: company side.",
    zh="询问：室内总阀是否打开？邻居家是否正常？邻居正常为用户侧，电话指导；邻居也没有为公司侧。",
)
_CARD = BilingualText(
    en="Ask: what does the meter's display say, is there credit, are the batteries fresh, were "
    "taps shut for a minute? Display on and credit left: company side.",
    zh="询问：表上显示什么？卡内是否有余额？电池是否新？关闭灶具一分钟后是否恢复？有显示有余额为公司侧。",
)
_ROOM = BilingualText(
    en="Ask: which rooms, since when, thermometer away from window and radiator? Are all radiator "
    "valves open, is the pipe warm before the valve? Below 18 °C: on site with a thermometer.",
    zh="询问：哪些房间、何时开始、温度计是否远离窗户和散热器？散热器阀门是否全开，阀前管道是否发热？"
    "低于 18 ℃ 上门测温。",
)
_READ = BilingualText(
    en="Ask for the reading on the display and its unit; compare with the readings beside.",
    zh="请用户报出表上读数和单位，与旁边的读数核对。",
)

_R = RequestKind
_T = OrderType


def _rule(  # noqa: PLR0913, PLR0917  # one row of the table
    kind: RequestKind,
    medium: Medium | None,
    safety: SafetyClass,
    priority: int,
    order_type: OrderType | None,
    codes: str,
    guidance: BilingualText | None = None,
) -> ClassRule:
    return ClassRule(
        kind=kind,
        medium=medium,
        safety_class=safety,
        priority=priority,
        order_type=order_type,
        codes=tuple(codes.split()),
        guidance=guidance,
    )


_C_ = RequestClass
RULES: Mapping[RequestClass, ClassRule] = {
    _C_.GAS_LEAK: _rule(
        _R.REPAIR, _GAS, _A, 1, _T.LEAK_CHECK, "leak gl 漏气 燃气味 煤气味", _LEAVE
    ),
    _C_.CARBON_MONOXIDE: _rule(_R.REPAIR, _GAS, _A, 1, _T.LEAK_CHECK, "co 一氧化碳 中毒", _AIR),
    _C_.HOT_WATER_BURST: _rule(
        _R.REPAIR, _HEAT, _A, 1, _T.LEAK_CHECK, "hotburst hb 热水爆管 暖气爆", _HOT
    ),
    _C_.HEAT_LEAK: _rule(_R.REPAIR, _HEAT, _B, 2, _T.LEAK_CHECK, "heatleak hl 暖气漏 漏热水", _HOT),
    _C_.WATER_BURST: _rule(
        _R.REPAIR, _WATER, _B, 2, _T.LEAK_CHECK, "burst wb 爆管 漏水", _STOP_VALVE
    ),
    _C_.NO_GAS: _rule(_R.REPAIR, _GAS, _B, 2, _T.NO_SUPPLY, "nogas ng 停气 没气 不过气", _CARD),
    _C_.NO_WATER: _rule(
        _R.REPAIR, _WATER, _B, 2, _T.NO_SUPPLY, "nowater nw 停水 没水", _STOP_VALVE
    ),
    _C_.NO_HEAT: _rule(_R.REPAIR, _HEAT, _B, 2, _T.NO_SUPPLY, "noheat nh 不热 没暖气", _ROOM),
    _C_.COLD_ROOM: _rule(
        _R.REPAIR, _HEAT, _C, 3, _T.COLD_ROOM, "cold cr 室温 屋里冷 温度低", _ROOM
    ),
    _C_.METER_FAULT: _rule(
        _R.REPAIR, None, _C, 3, _T.METER_CHECK, "meter mf 表坏 死表 表故障", _READ
    ),
    _C_.METER_DISPUTE: _rule(
        _R.COMPLAINT, None, _C, 3, _T.METER_CHECK, "dispute md 表不准 走快 走慢", _READ
    ),
    _C_.CONDUCT: _rule(_R.COMPLAINT, None, _C, 3, None, "conduct cc 态度 服务差"),
    _C_.SUPPLY_QUALITY: _rule(_R.COMPLAINT, None, _C, 3, None, "quality cq 水质 供应质量"),
    _C_.NO_CALLBACK: _rule(_R.COMPLAINT, None, _C, 2, None, "nocallback cn 没人回 没回电"),
    _C_.BILLING: _rule(_R.COMPLAINT, None, _C, 3, None, "bill cb 收费 账单"),
    _C_.PRICE_QUESTION: _rule(_R.CONSULTATION, None, _C, 4, None, "price qp 价格 气价 水价"),
    _C_.HOW_TO: _rule(_R.CONSULTATION, None, _C, 4, None, "how qh 怎么 如何"),
    _C_.OTHER_QUESTION: _rule(_R.CONSULTATION, None, _C, 4, None, "ask q 咨询 问"),
    _C_.SUGGESTION: _rule(_R.SUGGESTION, None, _C, 4, None, "idea sg 建议"),
    _C_.MISCONDUCT_REPORT: _rule(_R.WHISTLE_BLOW, None, _C, 2, None, "report wr 举报"),
    _C_.OPEN_ACCOUNT: _rule(_R.APPLICATION, None, _C, 4, _T.CONNECTION, "open ao 开户 报装"),
    _C_.PIPE_WORK: _rule(_R.APPLICATION, _GAS, _C, 4, None, "pipe ap 改管 短管"),
    _C_.EXCHANGE_METER: _rule(_R.APPLICATION, None, _C, 4, _T.METER_EXCHANGE, "exchange ae 换表"),
    _C_.BUY_GAS: _rule(_R.APPLICATION, _GAS, _C, 4, None, "buy ab 购气 充值"),
    _C_.STOP_HEATING: _rule(_R.APPLICATION, _HEAT, _C, 4, _T.STOP_HEATING, "stopheat ah 停热 报停"),
}
"""Every class; what a class lacks is nobody's guess but the agent's."""

ORDER_TITLES: Mapping[RequestClass, BilingualText] = {
    _C_.GAS_LEAK: BilingualText(en="Gas leak reported", zh="用户报漏气"),
    _C_.CARBON_MONOXIDE: BilingualText(en="Carbon monoxide reported", zh="用户报一氧化碳"),
    _C_.HOT_WATER_BURST: BilingualText(en="Hot-water burst reported", zh="用户报热水爆管"),
    _C_.HEAT_LEAK: BilingualText(en="Heating leak reported", zh="用户报暖气漏水"),
    _C_.WATER_BURST: BilingualText(en="Water burst reported", zh="用户报爆管漏水"),
    _C_.NO_GAS: BilingualText(en="No gas", zh="用户报无气"),
    _C_.NO_WATER: BilingualText(en="No water", zh="用户报停水"),
    _C_.NO_HEAT: BilingualText(en="No heat", zh="用户报不热"),
    _C_.COLD_ROOM: BilingualText(en="Room too cold: measure", zh="室温不足，上门测温"),
    _C_.METER_FAULT: BilingualText(en="Meter fault reported", zh="用户报表故障"),
    _C_.OPEN_ACCOUNT: BilingualText(en="Connect a customer", zh="开户通气"),
    _C_.EXCHANGE_METER: BilingualText(en="Exchange the meter", zh="换表"),
    _C_.STOP_HEATING: BilingualText(en="Stop heating: check", zh="停热核查"),
    _C_.METER_DISPUTE: BilingualText(en="Meter disputed: check", zh="用户疑表不准，上门核查"),
}
"""What the crew reads on its order."""

CLASS_OF_CODE: Mapping[str, RequestClass] = {
    code: request_class for request_class, rule in RULES.items() for code in rule.codes
}

KINDS_IN_ORDER: Sequence[RequestKind] = tuple(RequestKind)


def classes_of(kind: RequestKind) -> Sequence[RequestClass]:
    """Return the classes of a kind, in the order of the catalogue."""
    return [each for each, rule in RULES.items() if rule.kind is kind]


def priority_for(request_class: RequestClass, flags: frozenset[Flag], *, is_repeat: bool) -> int:
    """Return 1 to 4: safety before urgency before vulnerability (policy K10).

    Somebody who cannot help himself, or who calls about the same matter again, moves up one
    step; no further than 2, because 1 is safety's alone.
    """
    proposed = RULES[request_class].priority
    if proposed == 1 or not (flags or is_repeat):
        return proposed
    return max(2, proposed - 1)


COMMITMENTS: Mapping[str, tuple[int, BilingualText]] = {
    "on_site_60": (60, BilingualText(en="A crew is on site within 60 min", zh="60 分钟内到场")),
    "on_site_120": (
        120,
        BilingualText(en="On site with a thermometer in 2 h", zh="2 小时内上门测温"),
    ),
    "on_site_240": (240, BilingualText(en="A crew is on site within 4 h", zh="4 小时内到场")),
    "call_30": (30, BilingualText(en="We call you within 30 min", zh="30 分钟内回电")),
    "call_1d": (1440, BilingualText(en="We call you by tomorrow", zh="一天内回电")),
}
"""The approved commitments: code -> minutes and text (rules C-01, C-47, policy K17)."""

_PROMISED: Mapping[RequestClass, Sequence[str]] = {
    _C_.GAS_LEAK: ("on_site_60",),
    _C_.CARBON_MONOXIDE: ("on_site_60",),
    _C_.HOT_WATER_BURST: ("on_site_60",),
    _C_.HEAT_LEAK: ("on_site_60",),
    _C_.WATER_BURST: ("on_site_240",),
    _C_.NO_GAS: ("on_site_240",),
    _C_.COLD_ROOM: ("on_site_120",),
    _C_.NO_CALLBACK: ("call_30",),
}


def commitments_for(request_class: RequestClass) -> Sequence[str]:
    """Return the codes of what may be promised; never anything that is not on the list."""
    return _PROMISED.get(request_class, ("call_1d",))
