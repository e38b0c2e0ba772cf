"""People, crews, tablets and alerts that access, order and sync tests start from."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from argon2 import PasswordHasher
from sqlalchemy import Connection, Engine

from sync_server.access.account_store import Crew, NewAccount, Person, create_account, create_crew
from sync_server.access.passwords_io import PasswordHasherIo
from sync_server.access.roles import Role
from sync_server.access.tablet_store import (
    TabletIdentity,
    enrol_tablet,
    issue_enrolment_code,
    tablet_of_token,
)
from sync_server.alerts.alert import AlertFinding
from sync_server.alerts.alert_store import raise_alert
from sync_server.sync.inbox import ReadPush
from sync_server.sync.service import SyncService, TabletSync
from tests.sync_server.real_parts import NOON, HandClock
from tests.sync_server.town_parts import found_town, new_meter
from wire_contracts.enrolment import EnrolRequest
from wire_contracts.evidence import ChartPoint, Evidence
from wire_contracts.fields import JsonObject, JsonValue
from wire_contracts.frames import ms_from_utc
from wire_contracts.kinds import Kind
from wire_contracts.operations import (
    DeviceTime,
    Operation,
    OperationKind,
    OperationResult,
)
from wire_contracts.orders import ENTITY, FINDING_FORM, FactType
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText
from wire_contracts.work_order_states import WorkOrderEvent

PASSWORD = "correct horse battery"  # noqa: S105  # made up for the tests

QUICK_HASHER = PasswordHasherIo(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
"""The real argon2 at its smallest cost, so that tests do not wait for it."""


def person(connection: Connection, login: str, role: Role, crew_id: str | None = None) -> Person:
    account = NewAccount(
        login=login,
        display_name=login.title(),
        role=role,
        password_hash=QUICK_HASHER.hash(PASSWORD),
        crew_id=crew_id,
    )
    return create_account(connection, account, NOON)


def enrol(connection: Connection, crew_id: str, name: str = "tablet") -> TabletIdentity:
    code = issue_enrolment_code(connection, crew_id, "test", NOON)
    answer = enrol_tablet(connection, EnrolRequest(code=code.code, name=name), NOON)
    return tablet_of_token(connection, answer.token, NOON)


def evidence() -> Evidence:
    return Evidence(
        sentence=BilingualText(en="0.4 m³/h all night, limit 0.1", zh="整夜 0.4 m³/h,限值 0.1"),
        quantity="flow_m3h",
        unit="m³/h",
        rule_from_utc=NOON - timedelta(hours=12),
        rule_to_utc=NOON,
        points=(ChartPoint(at_utc=NOON, observed=0.4, expected_low=0.0, expected_high=0.1),),
    )


def raise_leak(
    connection: Connection,
    meter_id: str = "M-1",
    kind: Kind = Kind.SLOW_LEAK,
    medium: Medium = Medium.WATER,
) -> str:
    finding = AlertFinding(
        meter_id=meter_id,
        medium=medium,
        kind=kind,
        rule="night_flow",
        started_at_utc=NOON - timedelta(hours=12),
        detected_at_utc=NOON,
        score=2.0,
        evidence=evidence(),
    )
    return raise_alert(connection, finding, NOON)


@dataclass(frozen=True, slots=True, kw_only=True)
class Utility:
    """A small utility: a dispatcher, two crews with a member and a tablet each, three meters."""

    engine: Engine
    clock: HandClock
    dispatcher: Person
    member: Person
    other_member: Person
    tablet: TabletIdentity
    other_tablet: TabletIdentity
    service: SyncService

    def sync(self) -> TabletSync:
        return self.service.for_tablet(self.tablet)


def found_utility(engine: Engine, clock: HandClock) -> Utility:
    with engine.begin() as connection:
        found_town(
            connection,
            [
                new_meter("M-1"),
                new_meter("M-2", Medium.GAS),
                new_meter("M-3", Medium.HEAT),
            ],
        )
        create_crew(connection, Crew(crew_id="crew-1", name="Repair 1", area_ids=("north",)), NOON)
        create_crew(connection, Crew(crew_id="crew-2", name="Repair 2", area_ids=("north",)), NOON)
        dispatcher = person(connection, "dispatch", Role.DISPATCHER)
        member = person(connection, "wang", Role.CREW_MEMBER, "crew-1")
        other = person(connection, "li", Role.CREW_MEMBER, "crew-2")
        tablet = enrol(connection, "crew-1", "tablet 1")
        other_tablet = enrol(connection, "crew-2", "tablet 2")
    return Utility(
        engine=engine,
        clock=clock,
        dispatcher=dispatcher,
        member=member,
        other_member=other,
        tablet=tablet,
        other_tablet=other_tablet,
        service=SyncService(engine, clock),
    )


@dataclass(slots=True, kw_only=True)
class Pen:
    """Writes operations like a tablet does: running numbers, a group per user action."""

    actor: str
    clock: HandClock
    replica_id: str = "replica-1"
    boot_id: str = "boot-1"
    n: int = 0
    ids: Iterator[str] = field(default_factory=lambda: iter(lambda: str(uuid.uuid4()), ""))

    def operation(  # noqa: PLR0913  # the parts of an operation
        self,
        kind: OperationKind,
        entity_id: str,
        name: str,
        *,
        entity: str = ENTITY,
        old: JsonValue = None,
        new: JsonValue = None,
        payload: JsonObject | None = None,
        group: str | None = None,
    ) -> Operation:
        self.n += 1
        return Operation(
            op_id=next(self.ids),
            n=self.n,
            group=group or next(self.ids),
            actor=self.actor,
            kind=kind,
            entity=entity,
            entity_id=entity_id,
            field=name,
            old=old,
            new=new,
            payload=payload,
            at=DeviceTime(
                wall_ms=ms_from_utc(self.clock.now_utc()),
                mono_ms=self.n,
                boot_id=self.boot_id,
                offset_ms=0,
            ),
        )

    def go(self, order_id: str, event: WorkOrderEvent) -> Operation:
        return self.operation(OperationKind.GO, order_id, str(event))

    def set(self, order_id: str, name: str, old: JsonValue, new: JsonValue) -> Operation:
        return self.operation(OperationKind.SET, order_id, name, old=old, new=new)

    def answers(
        self, order_id: str, *, fact_id: str | None = None, group: str | None = None
    ) -> Operation:
        payload: JsonObject = {
            "order_id": order_id,
            "form": FINDING_FORM,
            "answers": {"result": "leak", "cause": "joint", "measured": {"flow_m3h": 0.4}},
        }
        return self.operation(
            OperationKind.FACT,
            fact_id or next(self.ids),
            str(FactType.FORM_ANSWERSET),
            payload=payload,
            group=group,
        )

    def steps_to_work(self, order_id: str) -> list[Operation]:
        return [
            self.go(order_id, event)
            for event in (
                WorkOrderEvent.ACCEPT,
                WorkOrderEvent.DEPART,
                WorkOrderEvent.ARRIVE,
                WorkOrderEvent.BEGIN,
            )
        ]

    def finding(self, order_id: str, result: str = "leak") -> list[Operation]:
        group = next(self.ids)
        operation = self.operation
        return [
            self.answers(order_id, group=group),
            operation(OperationKind.SET, order_id, "result", new=result, group=group),
            operation(OperationKind.SET, order_id, "cause", old="", new="joint", group=group),
            operation(OperationKind.SET, order_id, "diagnosis", old="", new="漏气", group=group),
            operation(OperationKind.GO, order_id, str(WorkOrderEvent.FINISH), group=group),
        ]

    def push(self, sync: TabletSync, *operations: Operation) -> list[OperationResult]:
        push = ReadPush(protocol=1, replica_id=self.replica_id, entries=operations)
        return list(sync.service.push(sync.tablet, push).results)
