"""What the crew must do, step by step, in the order that safety demands.

Gas: domain model 2.5 (isolate, ventilate, measure, repair, re-measure, relight; each needs a
value). Limit: from 20 % LEL on nobody works (CJJ 51 section 5.3), as the tablet holds it too.
"""

from collections.abc import Sequence

from wire_contracts.orders import OrderType
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText


def _text(en: str, zh: str) -> BilingualText:
    return BilingualText(en=en, zh=zh)


_GAS_LEAK = (
    _text(
        "Isolate: no flame, no switch, no phone inside; close the valve before the meter",
        "切断：室内禁明火、禁动电器、禁打电话；关闭表前阀",
    ),
    _text(
        "Ventilate: open doors and windows, keep people out",
        "通风：打开门窗，疏散人员",
    ),
    _text(
        "Measure: gas in % LEL at ceiling, joints and well cover; go back out at 20 % LEL or more",
        "检测：在顶棚、接头、井盖处测可燃气体 % LEL；达到 20 % LEL 立即撤出",
    ),
    _text(
        "Repair: find the leak with soap or detector, repair or blank it off",
        "维修：用皂液或检漏仪查找漏点，维修或封堵",
    ),
    _text(
        "Re-measure: 0 % LEL and steady pressure for 10 minutes with everything closed",
        "复测：用气设备全关，10 分钟内 0 % LEL 且压力不降",
    ),
    _text(
        "Relight: open the valve slowly, relight, check the flame, explain to the customer",
        "复气点火：缓慢开阀，点火检查火焰，向用户说明",
    ),
)
_WATER_LEAK = (
    _text(
        "Read the meter with every tap closed: does it still turn?",
        "关闭所有用水点后读表：表针是否仍在转动？",
    ),
    _text(
        "Close the valve after the meter: turning means a leak before it or a wrong meter",
        "关闭表后阀：仍转动则漏点在阀前或水表有误",
    ),
    _text(
        "Check cisterns, relief valves and visible pipes, then listen for the leak",
        "检查水箱、泄压阀和明管，再听漏定位",
    ),
    _text("Repair or isolate, then read the meter again", "维修或隔离，然后再次读表"),
)
_HEAT_LEAK = (
    _text(
        "Danger of scalding: let nobody near, wear protection before you open a cover",
        "防烫伤：禁止人员靠近，打开盖板前穿戴防护",
    ),
    _text(
        "Isolate: close supply, then return; note who closed which valve",
        "隔离：先关供水阀，再关回水阀；记录何人关闭何阀",
    ),
    _text("Measure pressure and both temperatures", "测量压力及供、回水温度"),
    _text("Find and repair the leak, or leave it isolated", "查找并维修漏点，无法维修则保持隔离"),
    _text(
        "Open return, then supply, vent, measure again",
        "先开回水阀，再开供水阀，排气，再次测量",
    ),
)
_METER_CHECK = (
    _text(
        "Compare serial number and seal with this order",
        "核对表号与铅封是否与工单一致",
    ),
    _text(
        "Read the display: total, flow, error codes; photograph it",
        "读取显示：累计量、瞬时量、故障码；拍照",
    ),
    _text(
        "Compare the display with the value in this order",
        "将显示值与工单中的数值对照",
    ),
    _text(
        "Check bypass, valves, flow direction and sensors",
        "检查旁通、阀门、流向和传感器",
    ),
)
_COMM_CHECK = (
    _text("Is the meter powered, the display alive?", "表计是否通电，显示是否正常？"),
    _text("Check cable, polarity, termination and antenna", "检查线路、极性、终端电阻和天线"),
    _text("Is the gateway on and in reach?", "网关是否在线并可达？"),
    _text("Read the display and note the total", "读取显示并记录累计量"),
)

_NO_SUPPLY = (
    _text(
        "Ask the neighbours: none has it: the network; they have it: this house",
        "询问邻居：都没有为管网侧；邻居正常为本户",
    ),
    _text(
        "Look at the meter: display, credit, batteries, stop valve",
        "检查表计：显示、余额、电池、表前阀",
    ),
    _text(
        "Measure the pressure before and after the regulator or valve",
        "测量调压器或阀门前后的压力",
    ),
    _text(
        "Restore it only when nothing leaks; gas: test the air, relight every appliance",
        "确认无泄漏后恢复；燃气须检测后逐台点火",
    ),
    _text("Fill in the checklist", "填写检查表"),
)
_COLD_ROOM = (
    _text(
        "Measure in the middle of the room, 1.5 m high, after ten minutes with the door closed",
        "关门十分钟后，在房间中央距地 1.5 m 处测温",
    ),
    _text("Measure supply and return at the entry of the flat", "测量入户供、回水温度"),
    _text("Let the air out, set the flow, clean the filter", "排气、调节流量、清洗过滤器"),
    _text(
        "Let the resident sign the measured value in the checklist", "请用户在检查表上签字确认室温"
    ),
)
_METER_EXCHANGE = (
    _text(
        "Compare number and seal with this order, photograph the old reading",
        "核对表号与铅封，拍摄旧表读数",
    ),
    _text("Isolate; gas: test the air", "切断；燃气须检测空气"),
    _text("Exchange the meter, seal it, photograph the new reading", "换表、加封，拍摄新表底数"),
    _text("Test that it is tight, put it back into use", "试漏合格后恢复使用"),
    _text(
        "Fill in the checklist: old and new number, both readings", "填写检查表：新旧表号及两个读数"
    ),
)
_CONNECTION = (
    _text("Check appliances, flue and ventilation", "检查灶具、烟道与通风"),
    _text("Pressure test: nothing drops for ten minutes", "试压：十分钟不降压"),
    _text("Open slowly, let the air out, light every appliance", "缓慢开阀置换，逐台点火"),
    _text("Explain safe use, let the customer sign", "安全宣传，用户签字"),
)
_AREA_CHECK = (
    _text("Compare the floor plan with what is heated", "核对户型图与实际供热部位"),
    _text(
        "Measure every room, note additions and closed balconies", "逐间测量，记录加建与封闭阳台"
    ),
    _text("Fill in the checklist, let the customer sign", "填写检查表，用户签字"),
)
_STOP_HEATING = (
    _text("Is the supply closed and sealed as agreed?", "是否按约定关断并加封？"),
    _text("Compare the seal's number, feel both pipes", "核对铅封号，触摸供、回水管"),
    _text("Photograph seal and valve, fill in the checklist", "拍摄铅封与阀门，填写检查表"),
)

_STEPS: dict[tuple[OrderType, Medium], tuple[BilingualText, ...]] = {
    (OrderType.LEAK_CHECK, Medium.GAS): _GAS_LEAK,
    (OrderType.LEAK_CHECK, Medium.WATER): _WATER_LEAK,
    (OrderType.LEAK_CHECK, Medium.HEAT): _HEAT_LEAK,
    **{(OrderType.METER_CHECK, medium): _METER_CHECK for medium in Medium},
    **{(OrderType.COMM_CHECK, medium): _COMM_CHECK for medium in Medium},
    **{(OrderType.NO_SUPPLY, medium): _NO_SUPPLY for medium in Medium},
    **{(OrderType.COLD_ROOM, medium): _COLD_ROOM for medium in Medium},
    **{(OrderType.METER_EXCHANGE, medium): _METER_EXCHANGE for medium in Medium},
    **{(OrderType.CONNECTION, medium): _CONNECTION for medium in Medium},
    **{(OrderType.AREA_CHECK, medium): _AREA_CHECK for medium in Medium},
    **{(OrderType.STOP_HEATING, medium): _STOP_HEATING for medium in Medium},
}


def instructions_for(order_type: OrderType, medium: Medium) -> Sequence[BilingualText]:
    """Return the steps in both languages, in the order they must be done."""
    return _STEPS[order_type, medium]
