"""Turns a verdict into evidence: a sentence, a chart with what was expected, what to check."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sync_server.detection.meters.columns import Floats, Ints
from wire_contracts.evidence import ChartPoint, Evidence, EvidenceNumber
from wire_contracts.frames import utc_from_ms
from wire_contracts.kinds import Kind
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText

_LOW_PERCENTILE, _HIGH_PERCENTILE = 5, 95
_LEAST_SAMPLES = 5
NO_FLOW_M3H = 0.0005
"""Half a litre an hour: below every totaliser's resolution over one hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One meter's verdict, taken out of the columns.

    Attributes:
        kind: What it is called.
        medium: Heat, gas or water.
        statistic: The value that was judged.
        threshold: The limit.
        usual: The usual value; NaN without history.
        history_count: Nights behind `usual`.
        started_at_ms: When it began.
        rule_from_ms: Start of the judged stretch.
        rule_to_ms: End of it.
    """

    kind: Kind
    medium: Medium
    statistic: float
    threshold: float
    usual: float
    history_count: int
    started_at_ms: int
    rule_from_ms: int
    rule_to_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowChart:
    """Hourly flows of one meter with the hour of day, a month back; NaN where not known."""

    hours_ms: Ints
    local_hours: Ints
    flow_m3h: Floats


def explain_night_flow(judged: Judged, chart: FlowChart, shown_from_ms: int) -> Evidence:
    """Return the evidence of a night that was not quiet."""
    value, limit = judged.statistic, judged.threshold
    usual_en, usual_zh = _usual_words(judged)
    word_en, word_zh = _flow_words(judged)
    return Evidence(
        sentence=BilingualText(
            en=f"{word_en}: flow between 02:00 and 05:00 never fell below {value:.3g} m³/h; "
            f"the limit is {limit:.3g} m³/h{usual_en}.",
            zh=f"{word_zh}：02:00–05:00 流量始终不低于 {value:.3g} m³/h，"
            f"限值 {limit:.3g} m³/h{usual_zh}。",
        ),
        quantity="flow_m3h",
        unit="m³/h",
        rule_from_utc=utc_from_ms(judged.rule_from_ms),
        rule_to_utc=utc_from_ms(judged.rule_to_ms),
        points=flow_points(chart, shown_from_ms, judged.started_at_ms),
        numbers=_flow_numbers(judged),
        check_first=_checks(judged.medium),
    )


def explain_continuous_flow(judged: Judged, chart: FlowChart, shown_from_ms: int) -> Evidence:
    """Return the evidence of a meter that did not rest."""
    hours = round((judged.rule_to_ms - judged.rule_from_ms) / 3_600_000)
    return Evidence(
        sentence=BilingualText(
            en=f"Not one hour of rest in {hours} h: the lowest was {judged.statistic:.3g} m³/h; "
            f"below {judged.threshold:.3g} m³/h an hour counts as rest.",
            zh=f"{hours} 小时内没有一小时停用：最低小时流量 {judged.statistic:.3g} m³/h，"
            f"低于 {judged.threshold:.3g} m³/h 才算停用。",
        ),
        quantity="flow_m3h",
        unit="m³/h",
        rule_from_utc=utc_from_ms(judged.rule_from_ms),
        rule_to_utc=utc_from_ms(judged.rule_to_ms),
        points=flow_points(chart, shown_from_ms, judged.started_at_ms),
        numbers=_flow_numbers(judged),
        check_first=_checks(judged.medium),
    )


def explain_silence(judged: Judged, gateway_id: str, silent_with: int) -> Evidence:
    """Return the evidence of a silent meter; `silent_with` meters of its gateway are silent too."""
    value, limit = judged.statistic, judged.threshold
    is_shared = silent_with > 0
    sentence = BilingualText(
        en=f"No value for {value:.2f} h; the limit is {limit:.2f} h."
        + (f" So are {silent_with} other meters of gateway {gateway_id}." if is_shared else ""),
        zh=f"已 {value:.2f} 小时没有读数，限值 {limit:.2f} 小时。"
        + (f"网关 {gateway_id} 的另外 {silent_with} 块表也没有读数。" if is_shared else ""),
    )
    gateway_check = BilingualText(
        en=f"Is gateway {gateway_id} powered and on the network?",
        zh=f"网关 {gateway_id} 是否有电、是否联网？",
    )
    meter_checks = (
        BilingualText(en="Is the meter's display on?", zh="表计显示屏是否点亮？"),
        BilingualText(
            en="Is the cable between meter and gateway sound?", zh="表计到网关的线路是否完好？"
        ),
    )
    return Evidence(
        sentence=sentence,
        quantity="hours_since_value",
        unit="h",
        rule_from_utc=utc_from_ms(judged.rule_from_ms),
        rule_to_utc=utc_from_ms(judged.rule_to_ms),
        points=_silence_points(judged),
        numbers=(
            EvidenceNumber(
                name=BilingualText(en="time since the last value", zh="距最后一次读数"),
                value=value,
                unit="h",
                limit=limit,
                is_trigger=True,
            ),
            EvidenceNumber(
                name=BilingualText(en="reading interval", zh="读数周期"),
                value=judged.usual,
                unit="h",
            ),
        ),
        check_first=(gateway_check, *meter_checks) if is_shared else (*meter_checks, gateway_check),
    )


def flow_points(
    chart: FlowChart, shown_from_ms: int, abnormal_from_ms: int
) -> Sequence[ChartPoint]:
    """Return the chart: each hour's flow, and what this hour of day saw before it all began."""
    low, high = np.full(24, np.nan), np.full(24, np.nan)
    is_before = chart.hours_ms < abnormal_from_ms
    for hour in range(24):
        values = chart.flow_m3h[is_before & (chart.local_hours == hour)]
        values = values[~np.isnan(values)]
        if len(values) >= _LEAST_SAMPLES:
            low[hour], high[hour] = np.percentile(values, (_LOW_PERCENTILE, _HIGH_PERCENTILE))
    shown = np.flatnonzero(chart.hours_ms >= shown_from_ms)
    return tuple(
        ChartPoint(
            at_utc=utc_from_ms(int(chart.hours_ms[index])),
            observed=_known(float(chart.flow_m3h[index])),
            expected_low=_known(float(low[chart.local_hours[index]])),
            expected_high=_known(float(high[chart.local_hours[index]])),
        )
        for index in shown
    )


def _silence_points(judged: Judged) -> Sequence[ChartPoint]:
    steps = np.linspace(judged.rule_from_ms, judged.rule_to_ms, 25).astype(np.int64)
    return tuple(
        ChartPoint(
            at_utc=utc_from_ms(int(at_ms)),
            observed=float(at_ms - judged.rule_from_ms) / 3.6e6,
            expected_low=0.0,
            expected_high=judged.usual,
        )
        for at_ms in steps
    )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _usual_words(judged: Judged) -> tuple[str, str]:
    if np.isnan(judged.usual):
        return ", as this meter has no history yet", "（该表暂无历史）"
    if judged.usual < NO_FLOW_M3H:
        return (
            f", usually there is none ({judged.history_count} nights)",
            f"，平时夜间无流量（{judged.history_count} 夜）",
        )
    return (
        f", usual is up to {judged.usual:.3g} m³/h ({judged.history_count} nights)",
        f"，平时最高 {judged.usual:.3g} m³/h（{judged.history_count} 夜）",
    )


def _flow_words(judged: Judged) -> tuple[str, str]:
    if judged.kind is Kind.BURST:
        return "Probable burst", "疑似爆管或大量泄漏"
    return "Probable leak", "疑似泄漏"


def _flow_numbers(judged: Judged) -> Sequence[EvidenceNumber]:
    usual = 0.0 if np.isnan(judged.usual) else judged.usual
    numbers = [
        EvidenceNumber(
            name=BilingualText(en="lowest hourly flow", zh="最低小时流量"),
            value=judged.statistic,
            unit="m³/h",
            limit=judged.threshold,
            is_trigger=True,
        ),
        EvidenceNumber(
            name=BilingualText(en="above usual, per day", zh="每日超出平时"),
            value=max(judged.statistic - usual, 0.0) * 24,
            unit="m³",
        ),
    ]
    if not np.isnan(judged.usual):
        numbers.append(
            EvidenceNumber(
                name=BilingualText(en="usual lowest flow at night", zh="平时夜间最低流量"),
                value=judged.usual,
                unit="m³/h",
            )
        )
    return tuple(numbers)


_GAS_CHECKS = (
    BilingualText(
        en="Measure % LEL before entering; no flame, no switches.",
        zh="进入前先测可燃气浓度；禁止明火和开关电器。",
    ),
    BilingualText(
        en="Soap test at meter, regulator and joints.", zh="用肥皂水检查表、调压器和接口。"
    ),
    BilingualText(en="Close the user valve: does the meter stop?", zh="关闭用户阀门，表是否停走？"),
)
_WATER_CHECKS = (
    BilingualText(en="Close the user valve: does the meter stop?", zh="关闭用户阀门，表是否停走？"),
    BilingualText(en="Cistern, float valve, irrigation.", zh="检查水箱、浮球阀、绿化灌溉。"),
    BilingualText(en="Wet ground along the pipe.", zh="沿管线查看地面是否潮湿。"),
)


def _checks(medium: Medium) -> Sequence[BilingualText]:
    return _GAS_CHECKS if medium is Medium.GAS else _WATER_CHECKS
