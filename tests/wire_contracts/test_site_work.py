"""What crews do on site, what is known of a place, and the map, survive the wire unchanged."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire_contracts import site_facts as facts
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonObject
from wire_contracts.network import (
    NetworkPart,
    NetworkPoint,
    Pipe,
    PipeLevel,
    Plane,
    PointKind,
    parse_network,
    pipes_json,
    points_json,
)
from wire_contracts.order_site import Count, OrderSite, order_site_json, parse_order_site
from wire_contracts.payloads import dump_json, read_json
from wire_contracts.quantities import Medium, Quantity

NOON_MS = 1_795_000_000_000
PLANE = Plane(latitude_deg=39.5, longitude_deg=116.25)


def through(document: JsonObject) -> FieldReader:
    """Return the document as it arrives: bytes there and back."""
    return read_json("test", dump_json(document))


GAS = facts.GasMeasurement(
    purpose=facts.GasPurpose.ENTRY,
    place="VW-031",
    detector_id="GX-7",
    calibration_due_ms=NOON_MS,
    lel_pct=0.0,
    oxygen_pct=20.8,
    is_entry_allowed=True,
)
WELL_GAS = replace(GAS, run_id="01900000-0000-7000-8000-000000000001", checkpoint_id="well-31")
VALVE = facts.IsolationEvent(
    valve_id="well-m-03-2",
    action=facts.ValveAction.CLOSED,
    may_reopen="Li Wei",
    tag_number="17",
)
STEP = facts.StepDone(step=facts.SafetyStep.MEASURE, values={"gas_lel_pct": 0.0})
PART = facts.PartUsed(part_id="gasket-dn50", name="Gasket DN50", quantity=2.0, unit="pcs")
WATCH = facts.LoneWorkerEvent(event=facts.WatchEvent.OVERDUE, person="Li Wei", due_ms=NOON_MS)
HELP = facts.HelpCall(reason=facts.HelpReason.GAS, place="", latitude_deg=39.5, longitude_deg=116.0)
END = facts.VisitEnd(reason=facts.VisitEndReason.NOBODY_HOME, notice="N-12", appointment_ms=NOON_MS)
HANDOVER = facts.Handover(
    note="The gasket is on its way.",
    by="Li Wei",
    at_ms=NOON_MS,
    steps=(facts.DoneStep(step=facts.SafetyStep.ISOLATE, at_ms=NOON_MS, by="Li Wei"),),
    valves=(facts.ClosedValve(valve_id="v-1", at_ms=NOON_MS, by="Li Wei", may_reopen="anybody"),),
)

ROUND_TRIPS: list[tuple[JsonObject, Callable[[FieldReader], object], object]] = [
    (facts.gas_json(GAS), facts.parse_gas, GAS),
    (facts.gas_json(WELL_GAS), facts.parse_gas, WELL_GAS),
    (facts.isolation_json(VALVE), facts.parse_isolation, VALVE),
    (facts.step_json(STEP), facts.parse_step, STEP),
    (facts.part_json(PART), facts.parse_part, PART),
    (facts.watch_json(WATCH), facts.parse_watch, WATCH),
    (facts.help_json(HELP), facts.parse_help, HELP),
    (facts.visit_end_json(END), facts.parse_visit_end, END),
    (facts.handover_json(HANDOVER), facts.parse_handover, HANDOVER),
]


@pytest.mark.parametrize(("document", "parse", "value"), ROUND_TRIPS)
def test_a_fact_of_the_site_arrives_as_it_was_made(
    document: JsonObject, parse: Callable[[FieldReader], object], value: object
) -> None:
    assert parse(through(document)) == value


LONG = "second lid from the left " * 400


@pytest.mark.parametrize(
    ("document", "parse"),
    [
        (facts.gas_json(replace(GAS, place=LONG, detector_id=LONG)), facts.parse_gas),
        (
            facts.isolation_json(
                replace(VALVE, valve_id=LONG, may_reopen=LONG, tag_number=LONG, word_from=LONG)
            ),
            facts.parse_isolation,
        ),
        (
            facts.part_json(replace(PART, part_id=LONG, name=LONG, unit=LONG)),
            facts.parse_part,
        ),
        (facts.watch_json(replace(WATCH, person=LONG, place=LONG)), facts.parse_watch),
        (facts.help_json(replace(HELP, place=LONG)), facts.parse_help),
        (facts.visit_end_json(replace(END, note=LONG, notice=LONG)), facts.parse_visit_end),
        (facts.handover_json(replace(HANDOVER, note=LONG, by=LONG)), facts.parse_handover),
    ],
)
def test_no_fact_of_the_site_is_lost_for_the_length_of_its_words(
    document: JsonObject, parse: Callable[[FieldReader], object]
) -> None:
    assert "second lid" in repr(parse(through(document)))


def test_a_value_that_was_not_measured_is_no_zero() -> None:
    body = dict(facts.gas_json(GAS)) | {"oxygen_pct": None}

    assert facts.parse_gas(through(body)).oxygen_pct is None


def test_what_is_known_of_a_place_arrives_as_it_was_sent() -> None:
    site = OrderSite(
        x_m=1240.5,
        y_m=0.0,
        meter_class="household",
        meter_size="G4",
        quantity=Quantity.VOLUME_ACTUAL_M3,
        counts=(Count(at_ms=NOON_MS - 1, value=41.25), Count(at_ms=NOON_MS, value=42.0)),
    )

    assert parse_order_site(through(order_site_json(site))) == site
    assert parse_order_site(through(order_site_json(OrderSite()))) == OrderSite()


def test_a_count_that_cannot_be_read_names_its_place() -> None:
    body = dict(order_site_json(OrderSite())) | {"counts": [[NOON_MS]]}

    with pytest.raises(ContractError, match=r"counts\[0\]"):
        parse_order_site(through(body))


@given(
    corners=st.lists(
        st.tuples(
            st.integers(-100_000, 100_000).map(lambda n: n / 10),
            st.integers(-100_000, 100_000).map(lambda n: n / 10),
        ),
        max_size=12,
    )
)
def test_a_pipe_keeps_its_corners_to_the_decimetre(corners: list[tuple[float, float]]) -> None:
    pipe = Pipe(
        pipe_id="p",
        medium=Medium.GAS,
        level=PipeLevel.MEDIUM,
        line_m=tuple(corners),
        diameter_mm=160,
        closed_by=("a", "b"),
    )
    part = NetworkPart(area_id="west", plane=PLANE, pipes=(pipe,))

    assert parse_network(through(pipes_json(part))) == part


def test_a_kind_of_a_newer_server_is_left_out_and_the_rest_is_drawn() -> None:
    points = tuple(
        NetworkPoint(
            point_id=name,
            kind=PointKind.VALVE_WELL,
            medium=Medium.GAS,
            level=PipeLevel.LOW,
            x_m=1.0,
            y_m=2.0,
        )
        for name in ("a", "b")
    )
    body = points_json(NetworkPart(area_id="west", plane=PLANE, points=points))
    newer = dict(body) | {"kinds": ["hydrogen_plant", "valve_well"]}

    assert [each.point_id for each in parse_network(through(newer)).points] == ["b"]


def test_the_plane_and_the_earth_agree_there_and_back() -> None:
    x_m, y_m = PLANE.to_plane(*PLANE.to_earth(5580.0, 4320.0))

    assert (round(x_m, 3), round(y_m, 3)) == (5580.0, 4320.0)
    assert PLANE.to_plane(39.5, 116.25) == (0.0, 0.0)
