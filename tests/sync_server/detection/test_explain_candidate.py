"""Every candidate is told: a sentence in both languages, numbers, cost, doubts, what to check."""

import re
from dataclasses import replace

import pytest
from sqlalchemy import Engine, insert

from sync_server.db.reading_tables import READING
from sync_server.detection.alerting.alert_book import LANE
from sync_server.detection.alerting.thresholds import GAS_SETTLED_S, SETTLED_S, Learned, adapted
from sync_server.detection.meters.candidates import (
    Candidate,
    EvidenceValue,
    QualityFlag,
)
from sync_server.detection.meters.fleet import Fleet, MeterSpec, Role, fleet_of
from sync_server.detection.telling.effects import Price
from sync_server.detection.telling.explain_candidate import explain
from sync_server.detection.telling.first_checks import FirstCheck, first_checks, words_of
from sync_server.detection.telling.wording import flag_of, sentence_of
from sync_server.detection.watch.chart_store import chart_of
from tests.sync_server.town_parts import found_town, new_meter
from wire_contracts.evidence import evidence_json, parse_evidence
from wire_contracts.fields import FieldReader
from wire_contracts.kinds import FAMILY, Family, Kind
from wire_contracts.quantities import Medium

DAY_S = 86_400
START_S = 1_793_491_200
ENGLISH = re.compile("[A-Za-z]{4}")
"""No unit has so many letters."""


def candidate(kind: Kind = Kind.SLOW_LEAK, score: float = 1.5, at_s: int = START_S) -> Candidate:
    return Candidate(
        row=0,
        meter_id="M-1",
        kind=kind,
        rule="floor",
        start_s=START_S - 2 * DAY_S,
        at_s=at_s,
        score=score,
        statistic=24.0,
        threshold=16.0,
        observed=0.02,
        expected=0.0,
        expected_low=0.0,
        expected_high=0.005,
        unit="m³/h",
        effect_per_day=0.48,
        effect_unit="m3/day",
        evidence=(EvidenceValue(name="window", value=48.0, unit="h"),),
        against=(EvidenceValue(name="sigma", value=1.0, unit=""),),
        quality=(QualityFlag.NO_WEATHER,),
        is_raised=score >= 1.0,
    )


@pytest.mark.parametrize("medium", list(Medium))
@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_is_told_in_both_languages_and_survives_the_wire(
    kind: Kind, medium: Medium
) -> None:
    evidence = explain(candidate(kind), medium, (), None)

    assert "0.02 m³/h" in evidence.sentence.en
    assert "0.02 m³/h" in evidence.sentence.zh
    assert evidence.check_first
    read = parse_evidence(FieldReader(place="test", values=evidence_json(evidence)))
    assert read == parse_evidence(FieldReader(place="test", values=evidence_json(read)))
    assert [each.value for each in read.numbers[:3]] == [0.02, 0.0, 24.0]
    assert read.flags == evidence.flags


@pytest.mark.parametrize(
    ("unit", "en", "zh"),
    [
        ("h without any use", "168 h without any use seen", "实测 168 h 无用量"),
        ("steps of the register", "168 steps of the register seen", "实测 168 个读数步进"),
        ("common factor of advances", "168 as common factor of advances seen", "实测 168 倍（增量"),
        ("power / (rho c flow dT)", "168 times the power of flow", "实测 168 倍（流量与温差算得"),
        ("volume register / telemetry", "168 times the volume of", "实测 168 倍（按瞬时流量"),
        ("energy register / telemetry", "168 times the energy of", "实测 168 倍（按瞬时功率"),
        ("kWh/day", "168 kWh/d seen", "实测 168 kWh/d，"),
        ("degC", "168 °C seen", "实测 168 °C，"),
    ],
)
def test_units_that_are_words_are_told_in_the_readers_language(unit: str, en: str, zh: str) -> None:
    told = explain(replace(candidate(), unit=unit, observed=168.0), Medium.HEAT, (), None)

    assert en in told.sentence.en
    assert zh in told.sentence.zh
    shown = [told.sentence.zh, *(f"{each.name.zh} {each.shown_unit}" for each in told.numbers)]
    assert [text for text in shown if ENGLISH.search(text)] == []


def test_every_check_and_flag_has_its_words() -> None:
    told = [*map(words_of, FirstCheck), *map(flag_of, QualityFlag)]

    assert all(each.en and each.zh and each.en != each.zh for each in told)


@pytest.mark.parametrize("kind", list(Kind))
def test_a_gas_crew_is_not_sent_to_cisterns_and_measures_before_the_door(kind: Kind) -> None:
    checks = [each.en for each in first_checks(kind, Medium.GAS)]

    assert not any("istern" in each or "Wet ground" in each for each in checks)
    if FAMILY[kind] in (Family.EXCESS, Family.NETWORK) or kind is Kind.BYPASS:
        assert "easure" in checks[0]


def test_money_is_told_only_with_a_price() -> None:
    price = Price(per_m3=3.0, per_kwh=None, currency="CNY")

    without = explain(candidate(), Medium.WATER, (), None).effects
    with_it = explain(candidate(), Medium.WATER, (), price).effects

    assert [(each.value, each.unit) for each in without] == [(0.48, "m3"), (0.96, "m3")]
    assert [(round(each.value, 6), each.unit) for each in with_it[2:]] == [
        (1.44, "CNY"),
        (2.88, "CNY"),
    ]


def _fleet(medium: Medium) -> Fleet:
    return fleet_of([MeterSpec(meter_id="M-1", medium=medium, role=Role.HOME, interval_s=3600)])


@pytest.mark.parametrize(
    ("medium", "factor", "raised"),
    [
        (Medium.WATER, 1.25, True),
        (Medium.WATER, 3.0, False),
        (Medium.GAS, 3.0, True),
        (Medium.WATER, 0.7, True),
    ],
)
def test_findings_move_the_threshold_but_never_dull_gas(
    medium: Medium, factor: float, *, raised: bool
) -> None:
    learned = Learned(by_meter={("M-1", FAMILY[Kind.SLOW_LEAK]): factor})

    found = adapted(_fleet(medium), [candidate()], learned)

    assert [each.is_raised for each in found if each.is_raised] == ([True] if raised else [])


def test_a_weak_candidate_is_raised_where_crews_confirmed() -> None:
    learned = Learned(by_meter={("M-1", Family.EXCESS): 0.7})

    found = adapted(_fleet(Medium.WATER), [candidate(score=0.8)], learned)

    assert [each.is_raised for each in found] == [True]


@pytest.mark.parametrize(
    ("medium", "after_s", "count"),
    [
        (Medium.WATER, DAY_S, 0),
        (Medium.WATER, SETTLED_S, 1),
        (Medium.GAS, GAS_SETTLED_S - 1, 0),
        (Medium.GAS, GAS_SETTLED_S, 1),
    ],
)
def test_what_a_crew_settled_is_told_again_only_when_it_goes_on(
    medium: Medium, after_s: int, count: int
) -> None:
    learned = Learned(settled_s={("M-1", LANE[Kind.SLOW_LEAK]): START_S})

    assert len(adapted(_fleet(medium), [candidate(at_s=START_S + after_s)], learned)) == count


def test_a_chart_of_temperatures_has_its_band(sqlite_engine: Engine) -> None:
    warm = replace(candidate(Kind.RETURN_HIGH), unit="degC", expected_low=40.0, expected_high=46.5)
    instants = [START_S - 3 * DAY_S, START_S - DAY_S]
    with sqlite_engine.begin() as connection:
        found_town(connection, [new_meter("M-1", Medium.HEAT)])
        connection.execute(
            insert(READING),
            [
                {
                    "meter_id": "M-1",
                    "measured_at_ms": at_s * 1000,
                    "profile": "x@1",
                    "revision": 1,
                    "return_temp_degc": 55.0,
                }
                for at_s in instants
            ],
        )
        points = chart_of(connection, warm, Medium.HEAT)

    assert [(each.expected_low, each.expected_high) for each in points] == [
        (None, None),
        (40.0, 46.5),
    ]


def test_the_sentence_says_the_share_of_the_limit_that_the_numbers_say() -> None:
    """A score is capped at 3 or 10: WC-01 was told at 10 times a limit that it passed 6.5 times."""
    capped = replace(candidate(score=10.0), statistic=6.5, threshold=1.0)
    without = replace(capped, threshold=0.0)
    short = replace(capped, statistic=0.5)

    told = [sentence_of(each, Medium.WATER) for each in (capped, without, short)]

    assert told[0].en.endswith("; 6.5 times the limit of the rule.")
    assert told[0].zh.endswith("；为规则限值的 6.5 倍。")
    assert [("times the limit" in each.en, "倍" in each.zh) for each in told[1:]] == [
        (False, False),
        (False, False),
    ]
