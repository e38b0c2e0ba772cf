"""The order page tells what the crew did on site: steps, gas tests, valves, parts, the end."""

from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from httpx import Client
from sqlalchemy import Engine

from sync_server.access.roles import Role
from sync_server.web.catalogue_io import load_catalogues
from sync_server.web.order_views import finding_view
from sync_server.web.site_work_views import SiteWork, site_work
from sync_server.web.words import Words
from sync_server.work_orders.order import Fact, OrderRecord
from tests.full_values import full
from tests.sync_server.people_parts import Pen, found_utility
from tests.sync_server.real_parts import NOON, HandClock
from tests.sync_server.sync.push_parts import push
from tests.sync_server.web.desk_parts import PASSWORD, add_person, served
from wire_contracts.fields import JsonObject
from wire_contracts.operations import OperationKind
from wire_contracts.orders import FINDING_FORM, FactType, OrderType, SafetyClass
from wire_contracts.patrol_facts import OrderRequest, order_request_json
from wire_contracts.quantities import Medium
from wire_contracts.site_facts import (
    GasMeasurement,
    GasPurpose,
    IsolationEvent,
    PartUsed,
    SafetyStep,
    StepDone,
    ValveAction,
    VisitEnd,
    VisitEndReason,
    gas_json,
    isolation_json,
    part_json,
    step_json,
    visit_end_json,
)
from wire_contracts.texts import BilingualText


def fact(number: int, fact_type: FactType, payload: JsonObject) -> Fact:
    return Fact(
        fact_id=f"f-{number}",
        fact_type=fact_type,
        order_id="o-1",
        actor="a-1",
        tablet_id="t-1",
        op_id=f"op-{number}",
        payload=payload,
        happened_at_utc=NOON,
        received_at_utc=NOON,
        supersedes=None,
        waits_for=None,
        visit=1,
    )


def in_language(language: str) -> Words:
    catalogue = load_catalogues()[language]
    return Words(
        language=language,
        zone=ZoneInfo("Asia/Shanghai"),
        gettext=catalogue.gettext,
        ngettext=catalogue.ngettext,
    )


def shown(facts: Sequence[Fact], language: str = "en") -> SiteWork:
    return site_work(facts, in_language(language), NOON, {"a-1": "Li Wei"})


VALVES = [
    fact(
        number,
        FactType.ISOLATION,
        isolation_json(IsolationEvent(valve_id=valve, action=action, may_reopen="control room")),
    )
    for number, (valve, action) in enumerate(
        (("vw-1", ValveAction.CLOSED), ("vw-2", ValveAction.CLOSED), ("vw-1", ValveAction.REOPENED))
    )
]


def test_a_valve_that_nobody_has_opened_again_stands_above_everything() -> None:
    work = shown(VALVES)

    assert work.closed == ["vw-2 · Li Wei 12:00 · may open: control room"]
    assert [row.title for row in work.rows] == [
        "Valve vw-1 closed",
        "Valve vw-2 closed",
        "Valve vw-1 opened again",
    ]


def test_a_finding_that_its_crew_could_not_finish_is_told_with_its_gas() -> None:
    answers: JsonObject = {
        "result": "leak",
        "cause": "",
        "note": "at the joint",
        "measured": {"gas_lel_pct": 12.5},
    }
    begun: JsonObject = {"form": FINDING_FORM, "answers": answers, "is_unfinished": True}
    finished: JsonObject = {"form": FINDING_FORM, "answers": answers}

    work = shown(
        [fact(1, FactType.FORM_ANSWERSET, begun), fact(2, FactType.FORM_ANSWERSET, finished)]
    )

    assert [(row.title, row.tone) for row in work.rows] == [("Left without a finding", "warn")]
    assert "12.5 % LEL · at the joint" in work.rows[0].text


def test_who_may_open_a_valve_is_told_later_and_who_gave_the_word_is_kept() -> None:
    events = (
        IsolationEvent(valve_id="vw-1", action=ValveAction.CLOSED),
        IsolationEvent(valve_id="vw-1", action=ValveAction.NAMED, may_reopen="Anna"),
        IsolationEvent(valve_id="vw-1", action=ValveAction.REOPENED, word_from="Wang Fang"),
    )
    facts = [
        fact(number, FactType.ISOLATION, isolation_json(event))
        for number, event in enumerate(events)
    ]

    assert shown(facts[:1]).closed == ["vw-1 · Li Wei 12:00 · nobody named"]
    assert shown(facts[:2]).closed == ["vw-1 · Li Wei 12:00 · may open: Anna"]
    assert shown(facts).closed == []
    assert [(row.title, row.text) for row in shown(facts).rows] == [
        ("Valve vw-1 closed", ""),
        ("Valve vw-1: who may open it", "may open: Anna"),
        ("Valve vw-1 opened again", "word given by Wang Fang"),
    ]
    assert shown(facts, "zh").rows[2].text == "同意人：Wang Fang"


def test_steps_gas_tests_parts_and_the_end_are_told_in_both_languages() -> None:
    step = StepDone(
        step=SafetyStep.REMEASURE,
        values={"gas_lel_pct": "0", "tight": "holds", "watched_s": 600},
    )
    undone = StepDone(step=SafetyStep.MEASURE, values={}, is_undone=True)
    gas = GasMeasurement(
        purpose=GasPurpose.ENTRY,
        place="VW-031",
        detector_id="GX-7",
        calibration_due_ms=None,
        lel_pct=12.0,
        oxygen_pct=20.8,
        is_entry_allowed=False,
    )
    part = PartUsed(part_id="tape", name="生料带", quantity=2.0, unit="pcs")
    end = VisitEnd(reason=VisitEndReason.NOBODY_HOME, notice="N-12")
    facts = [
        fact(1, FactType.SAFETY_STEP, step_json(step)),
        fact(2, FactType.SAFETY_STEP, step_json(undone)),
        fact(3, FactType.GAS_MEASUREMENT, gas_json(gas)),
        fact(4, FactType.PART_USED, part_json(part)),
        fact(5, FactType.VISIT_END, visit_end_json(end)),
        fact(6, FactType.PART_USED, {"part_id": 7}),
    ]
    english, chinese = shown(facts), shown(facts, "zh")

    assert [(row.title, row.text) for row in english.rows] == [
        ("Measure again", "0 % LEL · it holds · watched 10 min"),
        ("Taken back: Measure", ""),
        ("Nobody went in", "O₂ 20.8 % · 12 % LEL · VW-031 · GX-7"),
        ("Part used", "生料带 × 2"),
        ("Left without a finding", "nobody at home · notice N-12"),
    ]
    assert [row.title for row in chinese.rows] == [
        "复测",
        "已撤回：检测",
        "未进入",
        "用料",
        "未完成离场",
    ]


def measured(number: int, lel_pct: str, **more: bool) -> Fact:
    values: JsonObject = {"gas_lel_pct": lel_pct}
    step = StepDone(step=SafetyStep.MEASURE, values=values, **more)
    return fact(number, FactType.SAFETY_STEP, step_json(step))


def test_what_was_taken_back_or_corrected_stands_with_what_took_its_place() -> None:
    first = measured(1, "45")
    second = replace(measured(2, "0"), supersedes=first.fact_id)
    taken_back = StepDone(step=SafetyStep.MEASURE, values={}, is_undone=True)
    third = fact(3, FactType.SAFETY_STEP, step_json(taken_back))

    corrected = shown([first, second])
    undone = shown([first, second, replace(third, supersedes=second.fact_id)])
    in_a_ring = shown([replace(first, supersedes=second.fact_id), second, measured(4, "1")])

    assert [(row.title, row.text) for row in corrected.rows] == [
        ("Measure", "0 % LEL · before: 45 % LEL")
    ]
    assert [(row.title, row.text, row.tone) for row in undone.rows] == [
        ("Taken back: Measure", "before: 0 % LEL / 45 % LEL", "warn")
    ]
    assert [row.text for row in in_a_ring.rows] == ["1 % LEL"]


@pytest.mark.parametrize(
    ("later", "is_good"),
    [
        ([measured(2, "45", is_undone=True, is_unsafe=True)], False),
        ([measured(2, "15")], False),
        ([measured(2, "OL")], False),
        ([measured(2, "10")], True),
        ([measured(2, "")], True),
        ([replace(measured(2, "0"), supersedes="f-1"), measured(1, "45")], False),
    ],
)
def test_good_air_is_no_longer_good_after_a_step_that_found_gas(
    later: list[Fact], *, is_good: bool
) -> None:
    air = GasMeasurement(
        purpose=GasPurpose.ENTRY,
        place="VW-031",
        detector_id="GX-7",
        calibration_due_ms=None,
        lel_pct=0.0,
        is_entry_allowed=True,
    )
    test = fact(0, FactType.GAS_MEASUREMENT, gas_json(air))
    again = StepDone(step=SafetyStep.REMEASURE, values={"gas_lel_pct": "0"})
    told = shown([test, *later]).rows[0]
    tested_anew = shown([test, *later, fact(8, FactType.GAS_MEASUREMENT, gas_json(air))]).rows
    repaired = shown([test, *later, fact(9, FactType.SAFETY_STEP, step_json(again))]).rows[0]

    assert (told.tone == "ok") is is_good
    assert ("measure again" in told.text) is not is_good
    assert {tested_anew[0].tone, tested_anew[-1].tone, repaired.tone} == {"ok"}


@pytest.mark.parametrize("reason", list(VisitEndReason))
def test_every_end_of_a_visit_has_words(reason: VisitEndReason) -> None:
    end = visit_end_json(VisitEnd(reason=reason))

    assert shown([fact(1, FactType.VISIT_END, end)]).rows[0].text


def test_the_page_of_an_order_shows_the_work_and_the_valve_that_is_closed(
    sqlite_engine: Engine, clock: HandClock
) -> None:
    utility = found_utility(sqlite_engine, clock)
    pen = Pen(actor=utility.member.account_id, clock=clock)
    request = OrderRequest(
        order_id="01900000-0000-7000-8000-00000000a001",
        order_type=OrderType.LEAK_CHECK,
        medium=Medium.GAS,
        safety_class=SafetyClass.A,
        title=BilingualText(en="Gas in valve well 31", zh="31 号阀门井有燃气"),
        address="解放大街 97 号",
        note="",
        about="w",
    )
    closed = IsolationEvent(valve_id="vw-9", action=ValveAction.CLOSED, may_reopen="Anna")
    facts: list[tuple[FactType, JsonObject]] = [
        (FactType.ORDER_REQUEST, order_request_json(request)),
        (FactType.ISOLATION, {**isolation_json(closed), "order_id": request.order_id}),
    ]
    for kind, payload in facts:
        push(
            utility,
            pen,
            pen.operation(
                OperationKind.FACT, next(pen.ids), str(kind), entity=str(kind), payload=payload
            ),
        )
    with sqlite_engine.begin() as connection:
        add_person(connection, "office", Role.DISPATCHER)
    with (
        served(sqlite_engine, clock) as server,
        Client(base_url=server.base_url, headers={"Origin": server.base_url}) as client,
    ):
        client.post("/login", data={"login": "office", "password": PASSWORD})
        page = client.get(f"/orders/{request.order_id}", headers={"Accept": "text/html"}).text

    assert "Valve vw-9 closed" in page
    assert "may open: Anna" in page


def test_a_finding_at_a_well_says_whether_anybody_went_in() -> None:
    def said(language: str, **entry: str) -> str:
        answers: JsonObject = {"result": "leak", "measured": {}, **entry}
        payload: JsonObject = {"form": FINDING_FORM, "answers": answers}
        finding = finding_view(
            full(OrderRecord),
            [fact(1, FactType.FORM_ANSWERSET, payload)],
            in_language(language),
            "",
        )
        assert finding is not None
        return finding.entry

    assert said("en", entry="went_in") == "went in"
    assert said("zh", entry="stayed_outside") == "未进入"
    assert said("en") == ""
