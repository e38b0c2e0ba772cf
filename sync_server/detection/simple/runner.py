"""One look at all meters: load, judge, decide, write; cost is bounded by meters and three days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import structlog
from sqlalchemy import Connection, Engine
from structlog.typing import FilteringBoundLogger

from sync_server.alerts.alert import AlertFinding, AlertRecord
from sync_server.alerts.alert_list_store import get_alert
from sync_server.alerts.alert_store import raise_alert, return_alert, show_suppressed
from sync_server.db.engine_io import reading
from sync_server.db.server_store import correction_version
from sync_server.detection.alerting.feedback import REMEMBERED, threshold_multiplier
from sync_server.detection.meters.columns import FAR_FUTURE_MS, Columns, Floats, Ints
from sync_server.detection.simple import continuous_flow, night_flow, silent_meter
from sync_server.detection.simple.continuous_flow import (
    ContinuousFlowRule,
    detect_continuous_flow,
)
from sync_server.detection.simple.decide import Decisions, Spoken, decide, hidden_by_gateway
from sync_server.detection.simple.explain import (
    FlowChart,
    Judged,
    explain_continuous_flow,
    explain_night_flow,
    explain_silence,
)
from sync_server.detection.simple.flows import HOUR_MS
from sync_server.detection.simple.night_flow import NightFlowRule, detect_night_flow
from sync_server.detection.simple.sample_store import (
    LocalGrid,
    MeterFacts,
    first_recent_hour,
    load_facts,
    load_flows,
    load_labels,
    load_nights,
    load_open,
    load_peaks,
    local_grid,
)
from sync_server.detection.simple.silent_meter import SilentMeterRule, detect_silent_meter
from sync_server.detection.simple.verdicts import State, Verdicts
from wire_contracts.alert_states import Visibility
from wire_contracts.evidence import Evidence
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.kinds import Family, Kind, Label

GRACE = timedelta(hours=1)
"""After a start gateways first bring what they kept; silence is judged from then on."""

CHART_DAYS = 7
_CHART_HISTORY_H = 28 * 24
_LOG: FilteringBoundLogger = structlog.get_logger()

Labels = Mapping[tuple[str, Family], Sequence[tuple[Label, datetime]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The parameters of every detector."""

    night_flow: NightFlowRule = field(default_factory=NightFlowRule)
    continuous_flow: ContinuousFlowRule = field(default_factory=ContinuousFlowRule)
    silent_meter: SilentMeterRule = field(default_factory=SilentMeterRule)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Nights:
    """Nightly minima of earlier nights and the weeks' peaks, loaded once per local day.

    And again when readings of the past were corrected: `version` tells.
    """

    version: int
    before_ms: int
    meter_ids: Sequence[str]
    days: Ints
    minima_m3h: Floats
    peak_m3h: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """Everything that one look has loaded and judged."""

    now_utc: datetime
    facts: Mapping[str, MeterFacts]
    open_alerts: Sequence[AlertRecord]
    verdicts: Mapping[str, tuple[Columns, Verdicts]]
    stands_for: Mapping[str, str]


class DetectionRunner:
    """Looks at all meters; what it remembers between looks can be loaded again at any time."""

    def __init__(
        self, engine: Engine, zone: ZoneInfo, rules: Rules | None = None, grace: timedelta = GRACE
    ) -> None:
        """Take the database, the site's zone and the parameters."""
        self._engine = engine
        self._zone = zone
        self._rules = rules or Rules()
        self._grace = grace
        self._nights: _Nights | None = None
        self._first_look_utc: datetime | None = None

    def look(self, now_utc: datetime) -> Decisions:
        """Return what was decided, after it was written: alerts raised, returned, shown.

        Reads in one snapshot and writes in one short transaction, and only when something
        changed. Whatever arrived late within three days is judged like the rest.
        """
        if self._first_look_utc is None:
            self._first_look_utc = now_utc
        with reading(self._engine) as connection:
            look = self._judge(connection, now_utc)
            decisions = self._decide(look)
            findings = [self._finding(connection, look, word) for word in decisions.raised]
        if findings or decisions.returned or decisions.shown:
            self._write(findings, decisions, now_utc)
        return decisions

    def _judge(self, connection: Connection, now_utc: datetime) -> _Look:
        facts = load_facts(connection)
        open_alerts = load_open(connection)
        context = _Context(
            now_utc=now_utc,
            open_alerts=open_alerts,
            labels=load_labels(connection, now_utc - REMEMBERED),
        )
        with_flow = [each for each in facts if each.has_flow]
        flow_columns = self._flow_columns(connection, with_flow, context)
        all_columns = _columns(facts, context, _NO_FLOW)
        silence = detect_silent_meter(all_columns, self._rules.silent_meter)
        return _Look(
            now_utc=now_utc,
            facts={each.meter_id: each for each in facts},
            open_alerts=open_alerts,
            verdicts={
                night_flow.RULE: (
                    flow_columns,
                    detect_night_flow(flow_columns, self._rules.night_flow),
                ),
                continuous_flow.RULE: (
                    flow_columns,
                    detect_continuous_flow(flow_columns, self._rules.continuous_flow),
                ),
                silent_meter.RULE: (all_columns, silence),
            },
            stands_for=_stands_for(facts, all_columns, silence, open_alerts),
        )

    def _flow_columns(
        self, connection: Connection, facts: Sequence[MeterFacts], context: "_Context"
    ) -> Columns:
        now_ms = ms_from_utc(context.now_utc)
        first_ms = first_recent_hour(context.now_utc, self._zone)
        grid = local_grid(first_ms, (now_ms - first_ms) // HOUR_MS + 1, self._zone)
        meter_ids = [each.meter_id for each in facts]
        version = correction_version(connection)
        nights = self._nights
        is_known = nights is not None and (nights.version, nights.before_ms) == (version, first_ms)
        if nights is None or not is_known or nights.meter_ids != meter_ids:
            days, minima = load_nights(connection, meter_ids, first_ms, self._zone)
            nights = _Nights(
                version=version,
                before_ms=first_ms,
                meter_ids=meter_ids,
                days=days,
                minima_m3h=minima,
                peak_m3h=load_peaks(connection, meter_ids, first_ms),
            )
            self._nights = nights
        flows = _Flows(
            grid=grid,
            flow_m3h=load_flows(connection, meter_ids, grid),
            night_days=nights.days,
            night_min_m3h=nights.minima_m3h,
            peak_m3h=nights.peak_m3h,
        )
        return _columns(facts, context, flows)

    def _decide(self, look: _Look) -> Decisions:
        is_starting = (
            self._first_look_utc is not None and look.now_utc - self._first_look_utc < self._grace
        )
        spoken: list[Spoken] = []
        for rule, (columns, verdicts) in look.verdicts.items():
            for row, meter_id in enumerate(columns.meter_ids):
                state = State(int(verdicts.state[row]))
                if rule == silent_meter.RULE and is_starting and state is State.RAISED:
                    state = State.HELD
                kind = _kind_of(rule, is_burst=bool(verdicts.is_burst[row]))
                spoken.append(Spoken(meter_id=meter_id, rule=rule, kind=kind, state=state))
        return decide(spoken, look.open_alerts, frozenset(look.stands_for))

    def _finding(self, connection: Connection, look: _Look, word: Spoken) -> AlertFinding:
        columns, verdicts = look.verdicts[word.rule]
        row = columns.meter_ids.index(word.meter_id)
        judged = _judged(columns, verdicts, row, word.kind)
        if word.rule == silent_meter.RULE:
            evidence = _explain_silence(look, word.meter_id, judged)
        else:
            evidence = self._explain_flow(connection, word, judged, look.now_utc)
        return AlertFinding(
            meter_id=word.meter_id,
            medium=judged.medium,
            kind=word.kind,
            rule=word.rule,
            started_at_utc=utc_from_ms(judged.started_at_ms),
            detected_at_utc=utc_from_ms(judged.rule_to_ms),
            score=judged.statistic / judged.threshold,
            evidence=evidence,
            is_suppressed=word.rule == silent_meter.RULE and word.meter_id in look.stands_for,
        )

    def _explain_flow(
        self, connection: Connection, word: Spoken, judged: Judged, now_utc: datetime
    ) -> Evidence:
        now_ms = ms_from_utc(now_utc)
        first_ms = now_ms - now_ms % HOUR_MS - _CHART_HISTORY_H * HOUR_MS
        grid = local_grid(first_ms, _CHART_HISTORY_H + 1, self._zone)
        chart = FlowChart(
            hours_ms=grid.hours_ms,
            local_hours=grid.local_hours,
            flow_m3h=load_flows(connection, [word.meter_id], grid)[0],
        )
        shown_from_ms = judged.started_at_ms - CHART_DAYS * 24 * HOUR_MS
        explain = explain_night_flow if word.rule == night_flow.RULE else explain_continuous_flow
        return explain(judged, chart, shown_from_ms)

    def _write(
        self, findings: Sequence[AlertFinding], decisions: Decisions, now_utc: datetime
    ) -> None:
        with self._engine.begin() as connection:
            for finding in findings:
                alert_id = raise_alert(connection, finding, now_utc)
                _LOG.info(
                    "detection.raised",
                    alert=alert_id,
                    meter=finding.meter_id,
                    kind=str(finding.kind),
                    rule=finding.rule,
                    score=round(finding.score, 2),
                )
            for alert_id in decisions.returned:
                return_alert(connection, alert_id, now_utc)
            for alert_id in decisions.shown:
                if get_alert(connection, alert_id).visibility is Visibility.SUPPRESSED_BY_DESIGN:
                    show_suppressed(connection, alert_id, now_utc)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Context:
    now_utc: datetime
    open_alerts: Sequence[AlertRecord]
    labels: Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flows:
    grid: LocalGrid
    flow_m3h: Floats
    night_days: Ints
    night_min_m3h: Floats
    peak_m3h: Floats


_NO_INTS = np.empty(0, dtype=np.int64)
_NO_FLOW = _Flows(
    grid=LocalGrid(hours_ms=_NO_INTS, local_hours=_NO_INTS, local_days=_NO_INTS),
    flow_m3h=np.empty((0, 0)),
    night_days=_NO_INTS,
    night_min_m3h=np.empty((0, 0)),
    peak_m3h=np.empty(0),
)


def _columns(facts: Sequence[MeterFacts], context: _Context, flows: _Flows) -> Columns:
    family = Family.COMM if flows is _NO_FLOW else Family.EXCESS
    abnormal_from = {
        alert.meter_id: ms_from_utc(alert.started_at_utc)
        for alert in context.open_alerts
        if alert.family is Family.EXCESS
    }
    found = [context.labels.get((each.meter_id, family), ()) for each in facts]
    return Columns(
        now_ms=ms_from_utc(context.now_utc),
        meter_ids=[each.meter_id for each in facts],
        media=[each.medium for each in facts],
        classes=[each.meter_class for each in facts],
        interval_s=np.array([each.interval_s for each in facts], dtype=np.float64),
        is_mains_powered=np.array([each.is_mains_powered for each in facts], dtype=np.bool_),
        valued_at_ms=np.array([each.valued_at_ms for each in facts], dtype=np.int64),
        judged_from_ms=np.array(
            [max((ms_from_utc(at) for _, at in labels), default=0) for labels in found],
            dtype=np.int64,
        ),
        abnormal_from_ms=np.array(
            [abnormal_from.get(each.meter_id, FAR_FUTURE_MS) for each in facts], dtype=np.int64
        ),
        multipliers=np.array(
            [
                threshold_multiplier(
                    labels, medium=each.medium, family=family, now_utc=context.now_utc
                )
                for each, labels in zip(facts, found, strict=True)
            ],
            dtype=np.float64,
        ),
        hours_ms=flows.grid.hours_ms,
        local_hours=flows.grid.local_hours,
        local_days=flows.grid.local_days,
        flow_m3h=flows.flow_m3h,
        night_days=flows.night_days,
        night_min_m3h=flows.night_min_m3h,
        peak_m3h=flows.peak_m3h,
    )


def _kind_of(rule: str, *, is_burst: bool) -> Kind:
    if rule == silent_meter.RULE:
        return Kind.COMM_GAP
    return Kind.BURST if is_burst else Kind.SLOW_LEAK


def _judged(columns: Columns, verdicts: Verdicts, row: int, kind: Kind) -> Judged:
    return Judged(
        kind=kind,
        medium=columns.media[row],
        statistic=float(verdicts.statistic[row]),
        threshold=float(verdicts.threshold[row]),
        usual=float(verdicts.usual[row]),
        history_count=int(verdicts.history_count[row]),
        started_at_ms=int(verdicts.started_at_ms[row]),
        rule_from_ms=int(verdicts.rule_from_ms[row]),
        rule_to_ms=int(verdicts.rule_to_ms[row]),
    )


def _stands_for(
    facts: Sequence[MeterFacts],
    columns: Columns,
    silence: Verdicts,
    open_alerts: Sequence[AlertRecord],
) -> Mapping[str, str]:
    is_silent = silence.state == State.RAISED
    silent = [name for name, flag in zip(columns.meter_ids, is_silent, strict=True) if flag]
    shown = frozenset(
        alert.meter_id
        for alert in open_alerts
        if alert.rule == silent_meter.RULE and alert.visibility is Visibility.SHOWN
    )
    gateway_of = {each.meter_id: each.gateway_id for each in facts}
    return hidden_by_gateway(silent, gateway_of, shown)


def _explain_silence(look: _Look, meter_id: str, judged: Judged) -> Evidence:
    silent_with = sum(leader == meter_id for leader in look.stands_for.values())
    return explain_silence(judged, look.facts[meter_id].gateway_id, silent_with)
