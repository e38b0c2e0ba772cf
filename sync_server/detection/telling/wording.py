"""Decides in which words a candidate is told, in both languages."""

from collections.abc import Mapping
from dataclasses import dataclass

from sync_server.detection.meters.candidates import Candidate, QualityFlag
from wire_contracts.kinds import Kind
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText


def _two(en: str, zh: str) -> BilingualText:
    return BilingualText(en=en, zh=zh)


_WHAT: Mapping[Kind, BilingualText] = {
    Kind.SLOW_LEAK: _two("Probable leak", "疑似泄漏"),
    Kind.BURST: _two("Probable burst", "疑似爆管或大量泄漏"),
    Kind.VALVE_OPEN: _two(
        "More use than weather and habit explain", "用量高于天气和习惯可解释的水平"
    ),
    Kind.BYPASS: _two("Less is measured than used to be", "计量值低于以往水平，疑似旁通或少计"),
    Kind.STUCK: _two("The register stands still", "累计量停走"),
    Kind.RETURN_HIGH: _two("Return temperature too high", "回水温度偏高"),
    Kind.TEMP_DRIFT: _two("A temperature sensor drifts", "温度传感器漂移"),
    Kind.ROLLOVER: _two("The register began again at zero", "累计量翻转归零"),
    Kind.EXCHANGE: _two("The register jumped: probably another meter", "累计量跳变，疑似换表"),
    Kind.REVERSED: _two(
        "The register runs backwards or hot and cold are swapped", "累计量倒走或供回水接反"
    ),
    Kind.UNIT_SCALE: _two("Unit or scale is wrong", "单位或倍率有误"),
    Kind.CLOCK_SHIFT: _two("The meter's clock is off", "表计时钟偏差"),
    Kind.COMM_GAP: _two("No readings arrive", "没有读数到达"),
    Kind.COMM_FROZEN: _two("The same values arrive again and again", "读数长时间完全不变"),
    Kind.NETWORK_LEAK: _two("Loss in the network", "管网漏损"),
}

_FLAG: Mapping[QualityFlag, BilingualText] = {
    QualityFlag.NO_WEATHER: _two("Judged without outdoor temperature.", "判断时没有室外温度数据。"),
    QualityFlag.GAP: _two("Readings are missing in the window.", "时段内有读数缺失。"),
    QualityFlag.CLOCK_CORRECTED: _two("The meter's clock was corrected.", "已校正表计时钟偏差。"),
    QualityFlag.REGISTER_CORRECTED: _two(
        "A step of the register was taken out.", "已剔除累计量跳变。"
    ),
    QualityFlag.SCALE_CORRECTED: _two("A wrong scale was corrected.", "已校正倍率。"),
    QualityFlag.FROZEN: _two("Frozen values were left out.", "已剔除冻结读数。"),
    QualityFlag.SHORT_HISTORY: _two("The meter's history is short.", "该表历史数据较短。"),
    QualityFlag.UNMETERED_SHARE: _two(
        "Some meters behind the station are missing.", "部分下级表没有数据。"
    ),
}

_NAMES: Mapping[str, BilingualText] = {
    "draws_smaller": _two("size of a draw beside the usual", "单次用水量与平时之比"),
    "factor": _two("factor", "倍率"),
    "highest_ever": _two("highest ever before", "历史最高"),
    "hours_unknown": _two("hours without readings", "无读数时长"),
    "hours_with_rest": _two("hours of rest in the last day", "最近一天内停用时长"),
    "hours_with_use": _two("hours with use in the last day", "最近一天内有用量时长"),
    "hours_without_rest": _two("hours without rest", "连续不停用时长"),
    "lowest_flow": _two("lowest flow", "最低流量"),
    "meter_says_leak": _two("the meter itself reports a leak, since", "表计自报漏损，距今"),
    "mean_excess": _two("mean excess", "平均超出"),
    "mean_residual": _two("mean residual", "平均残差"),
    "readings_in_a_row": _two("readings in a row", "连续读数条数"),
    "register_after": _two("register after", "跳变后累计量"),
    "register_before": _two("register before", "跳变前累计量"),
    "register_over_telemetry": _two("register over telemetry", "累计量与瞬时量之比"),
    "regular_arrivals": _two("regular arrivals", "规律到达次数"),
    "days_higher": _two("days that it is higher", "偏高天数"),
    "share_of_usual": _two("share of the usual use", "与平时用量之比"),
    "sigma": _two("usual scatter", "平时波动"),
    "standstill": _two("standstill", "停走时长"),
    "steps": _two("steps of the register", "累计量步数"),
    "surprise": _two("improbability", "异常程度"),
    "usual_ratio": _two("usual ratio", "平时比值"),
    "window": _two("window", "判断时段"),
}
"""Names of evidence by `EvidenceValue.name`; one that is missing is told in its English words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitWords:
    """How the unit of a detector is told: a unit that is written alike in both languages; words.

    A unit without words is told by itself; words without a unit count or compare.
    """

    unit: str
    words: BilingualText | None = None


_UNITS: Mapping[str, UnitWords] = {
    "1": UnitWords(unit=""),
    "m3/day": UnitWords(unit="m³/d"),
    "kWh/day": UnitWords(unit="kWh/d"),
    "degC": UnitWords(unit="°C"),
    "h without any use": UnitWords(unit="h", words=_two("without any use", "无用量")),
    "common factor of advances": UnitWords(
        unit="", words=_two("as common factor of advances", "倍（增量公因数）")
    ),
    "steps of the register": UnitWords(unit="", words=_two("steps of the register", "个读数步进")),
    "power / (rho c flow dT)": UnitWords(
        unit="",
        words=_two("times the power of flow and temperatures", "倍（流量与温差算得功率）"),
    ),
    "volume register / telemetry": UnitWords(
        unit="", words=_two("times the volume of the flow", "倍（按瞬时流量算得体积）")
    ),
    "energy register / telemetry": UnitWords(
        unit="", words=_two("times the energy of the power", "倍（按瞬时功率算得热量）")
    ),
}
"""By the unit of a candidate or of its evidence; one that is missing is written as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentWith:
    """A meter is silent with so many others of its gateway."""

    gateway_id: str
    others: int


def sentence_of(
    candidate: Candidate, medium: Medium, silent_with: SilentWith | None = None
) -> BilingualText:
    """Return one plain sentence with what was seen, what was expected, and the limit's share."""
    what = _WHAT[candidate.kind]
    seen, usual = _told(candidate.observed, candidate), _told(candidate.expected, candidate)
    low, high = _told(candidate.expected_low, candidate), _told(candidate.expected_high, candidate)
    share = _share(candidate)
    danger = medium is Medium.GAS and candidate.kind in {Kind.SLOW_LEAK, Kind.BURST}
    also = _NOBODY if silent_with is None else _also_silent(silent_with)
    return BilingualText(
        en=f"{what.en}: {seen.en} seen, {usual.en} expected ({low.en} to {high.en})"
        f"{share.en}.{' Danger: gas.' if danger else ''}{also.en}",
        zh=f"{what.zh}：实测 {seen.zh}，应为 {usual.zh}（{low.zh} 至 {high.zh}）"
        f"{share.zh}。{'注意：燃气危险。' if danger else ''}{also.zh}",
    )


_NOBODY = _two("", "")


def _share(candidate: Candidate) -> BilingualText:
    """Return how far beyond its limit the statistic is, as the numbers below say it.

    The score is no such share: it is capped, and fixed where a rule has no degrees.
    """
    if candidate.threshold <= 0:
        return _NOBODY
    share = candidate.statistic / candidate.threshold
    if share < 1 and candidate.is_raised:
        return _NOBODY  # a rule that tells when its statistic falls short
    return _two(f"; {share:.2g} times the limit of the rule", f"；为规则限值的 {share:.2g} 倍")


def _also_silent(silent: SilentWith) -> BilingualText:
    return _two(
        f" So are {silent.others} other meters of gateway {silent.gateway_id}: "
        "is it powered and on the network?",
        f"网关 {silent.gateway_id} 的另外 {silent.others} 块表也没有读数："
        "先查网关是否有电、是否联网。",
    )


def _told(value: float, candidate: Candidate) -> BilingualText:
    """Return a value of three digits with its unit."""
    unit = unit_words(candidate.unit)
    plain = f"{value:.3g} {unit.unit}".strip()
    words = unit.words or _NOBODY
    return _two(f"{plain} {words.en}".strip(), f"{plain} {words.zh}".strip())


def unit_words(unit: str) -> UnitWords:
    """Return how a detector's unit is told; empty where a number is bare."""
    return _UNITS.get(unit) or UnitWords(unit=unit)


def name_with(name: BilingualText, unit: str) -> BilingualText:
    """Return what a number is called, with the words of its unit: a unit has no language."""
    words = unit_words(unit).words
    return name if words is None else _two(f"{name.en} ({words.en})", f"{name.zh}（{words.zh}）")


def flag_of(flag: QualityFlag) -> BilingualText:
    """Return what weakens the evidence."""
    return _FLAG[flag]


def name_of(name: str) -> BilingualText:
    """Return what a number of the evidence is called."""
    plain = name.replace("_", " ")
    return _NAMES.get(name, BilingualText(en=plain, zh=plain))


OBSERVED = _two("observed", "实测")
EXPECTED = _two("expected", "应为")
STATISTIC = _two("statistic of the rule", "规则统计量")
PER_DAY = _two("per day", "每日")
SINCE_START = _two("since it began", "累计")
