"""The network's parts: their life, the order of a defect, the book."""

import pytest
from sqlalchemy import Connection, Engine

from sync_server.assets.network_store import save_network
from sync_server.ledgers.books_store import Wanted, ledger_of
from sync_server.ledgers.ledger import Book, Term
from sync_server.ledgers.period import parse_period
from sync_server.plant.plant import PlantEvent, PlantState
from sync_server.plant.plant_store import PlantMove, move_plant, record_of, states_of, steps_of
from sync_server.work_orders.order_store import act, get_order
from tests.sync_server.real_parts import NOON
from tests.sync_server.service_desk.desk_town import SHANGHAI, DeskTown, found_desk_town
from wire_contracts.errors import ContractError
from wire_contracts.life_cycle import RefusedTransition
from wire_contracts.network import NetworkPart, NetworkPoint, Pipe, PipeLevel, Plane, PointKind
from wire_contracts.orders import SafetyClass
from wire_contracts.quantities import Medium
from wire_contracts.work_order_states import WorkOrderEvent

_E = PlantEvent


def found_network(connection: Connection) -> DeskTown:
    town = found_desk_town(connection)
    part = NetworkPart(
        area_id="north",
        plane=Plane(latitude_deg=39.9, longitude_deg=116.4),
        pipes=(
            Pipe(
                pipe_id="G-1",
                medium=Medium.GAS,
                level=PipeLevel.MEDIUM,
                line_m=((0.0, 0.0), (300.0, 400.0), (300.0, 900.0)),
            ),
        ),
        points=tuple(
            NetworkPoint(
                point_id=f"W-{number}",
                kind=PointKind.VALVE_WELL,
                medium=Medium.GAS,
                level=PipeLevel.MEDIUM,
                x_m=0.0,
                y_m=0.0,
                name=f"Well {number}",
            )
            for number in (1, 2, 3)
        ),
    )
    save_network(connection, part, NOON)
    return town


def move(event: PlantEvent, text: str = "seen", severity: int | None = None) -> PlantMove:
    return PlantMove(event=event, text=text, severity=severity)


def test_a_defect_is_one_open_order_until_it_is_repaired(engine: Engine) -> None:
    """Rule E-02: planned, in service, defect, isolated, retired."""
    with engine.begin() as connection:
        town = found_network(connection)
        office = town.office(town.dispatcher)
        for wrong, refusal in (
            (move(_E.FIND_DEFECT), "choose 1, 2 or 3"),
            (move(_E.FIND_DEFECT, " ", 1), "what was found or done"),
        ):
            with pytest.raises(ContractError, match=refusal):
                move_plant(connection, "W-1", wrong, office)
        found = move_plant(connection, "W-1", move(_E.FIND_DEFECT, "gas smell", 1), office)
        order = get_order(connection, found.order_id or "")
        with pytest.raises(RefusedTransition, match="possible now: isolate, repair"):
            move_plant(connection, "W-1", move(_E.FIND_DEFECT, "again", 2), office)
        isolated = move_plant(connection, "W-1", move(_E.ISOLATE), office)
        with pytest.raises(ContractError, match="finish or cancel the work order"):
            move_plant(connection, "W-1", move(_E.REPAIR), office)
        act(connection, order.order_id, WorkOrderEvent.CANCEL, town.dispatcher, NOON)
        repaired = move_plant(connection, "W-1", move(_E.REPAIR, "new seal"), office)
        for plant_id, actor, refusal in (
            ("W-9", town.dispatcher, "does not exist"),
            ("W-2", town.agent, "may not"),
        ):
            with pytest.raises(ContractError, match=refusal):
                move_plant(connection, plant_id, move(_E.PLAN), town.office(actor))
        path = [(each.event, each.text) for each in steps_of(connection, "W-1")]
        left = states_of(connection)

    assert (order.document.safety_class, order.document.priority) == (SafetyClass.A, 1)
    assert (isolated.state, isolated.order_id) == (PlantState.ISOLATED, order.order_id)
    assert (repaired.state, repaired.order_id) == (PlantState.IN_SERVICE, None)
    assert path == [(_E.REPAIR, "new seal"), (_E.ISOLATE, "seen"), (_E.FIND_DEFECT, "gas smell")]
    assert left == {}


def test_the_book_counts_parts_by_class_length_and_state(sqlite_engine: Engine) -> None:
    """Rule E-02: the asset book."""
    with sqlite_engine.begin() as connection:
        town = found_network(connection)
        office = town.office(town.dispatcher)
        move_plant(connection, "W-2", move(_E.RETIRE), office)
        move_plant(connection, "W-3", move(_E.PLAN), office)
        planned = record_of(connection, "W-3").state
        wanted = Wanted(book=Book.PLANT, period=parse_period("2026-11", SHANGHAI))
        rows = [
            [cell.code if isinstance(cell, Term) else cell for cell in row.cells]
            for row in ledger_of(connection, wanted, office)
        ]

    assert planned is PlantState.PLANNED
    assert rows == [
        ["pipe.medium", "gas", 1, 1.0, 0, 1, 0, 0, 0],
        ["valve_well.medium", "gas", 3, None, 1, 1, 0, 0, 1],
    ]
