"""A small office in the test's own process: it deals out orders and answers every push."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from wire_contracts.codes import Code
from wire_contracts.evidence import ChartPoint, Evidence, EvidenceNumber
from wire_contracts.fields import JsonObject
from wire_contracts.network import ENTITY as NETWORK
from wire_contracts.network import (
    NetworkPart,
    NetworkPoint,
    Pipe,
    PipeLevel,
    Plane,
    PointKind,
    pipes_json,
    points_json,
)
from wire_contracts.operations import (
    Operation,
    OperationResult,
    Outcome,
    PushAnswer,
    WrittenPush,
    dump_written,
    parse_push,
)
from wire_contracts.order_site import Count, OrderSite
from wire_contracts.orders import ENTITY, OrderType, SafetyClass, WorkOrderDocument, order_json
from wire_contracts.payloads import read_json
from wire_contracts.pulls import BucketPage, EntityRow, PullAnswer, hash_row
from wire_contracts.quantities import Medium, Quantity
from wire_contracts.texts import BilingualText
from wire_contracts.work_order_states import WorkOrderState

NOW_UTC = datetime(2026, 11, 21, 6, 12, tzinfo=UTC)
"""A quarter past two in the afternoon of the town."""

EPOCH = 20261121


@dataclass(slots=True)
class HandClock:
    """A clock that moves when the test says so."""

    moment_utc: datetime = NOW_UTC

    def now_utc(self) -> datetime:
        """Return the moment the test has set."""
        return self.moment_utc

    def wall_seconds(self, seconds: float) -> float:
        """Return the seconds unchanged."""
        return seconds


@dataclass(slots=True)
class BootClock(HandClock):
    """A clock that can be set, beside the one of the boot, which cannot."""

    boot_s: float = 100.0

    def elapsed_s(self) -> float:
        """Return the seconds of the boot."""
        return self.boot_s

    def go_on(self, time: timedelta) -> None:
        """Let time pass, by both clocks."""
        self.boot_s += time.total_seconds()
        self.moment_utc += time

    def set_by(self, time: timedelta) -> None:
        """Set the wall clock, as people and networks do."""
        self.moment_utc += time


def text(en: str, zh: str) -> BilingualText:
    """Return a text in both languages."""
    return BilingualText(en=en, zh=zh)


_TITLES = {
    Medium.GAS: (
        text("Gas flows all night", "夜间持续用气"),
        text("Gas smell behind the regulator", "调压箱后有燃气异味"),
    ),
    Medium.WATER: (
        text("Burst suspected: flow 8 times the usual", "疑似爆管: 流量为平时 8 倍"),
        text("Water runs without a pause for 3 days", "连续 3 天不间断用水"),
    ),
    Medium.HEAT: (
        text("Meter silent for 26 hours", "表计失联 26 小时"),
        text("Return temperature too high", "回水温度偏高"),
    ),
}

PLACES = (
    "滨河花园 12 栋 3 单元 902 室",
    "和平路 208 号 调压箱 RB-114",
    "新华北街 137 号 换热站 7",
    "Nordring 46, Kesselhaus",
    "长安小区 5 栋 1 单元",
    "解放大街 97 号 阀门井 VW-031",
)

_STEPS = (
    text(
        "Put on the gas detector and test the air before you open anything.",
        "佩戴气体检测仪, 开箱前先检测空气。",
    ),
    text("Read the totaliser, wait 5 minutes, read it again.", "读取累计量, 5 分钟后再读一次。"),
    text("Close the outlet valve and watch the meter.", "关闭出口阀, 观察表计是否走动。"),
    text("Soap test every joint behind the meter.", "对表后所有接头做皂液检漏。"),
)


def night_flow_evidence(now_utc: datetime = NOW_UTC) -> Evidence:
    """Return the evidence of a leak that began four nights ago."""
    chance = random.Random(7)
    first = now_utc - timedelta(days=12)
    leak_from = now_utc - timedelta(days=4, hours=8)
    points = []
    for hour in range(12 * 24):
        at_utc = first + timedelta(hours=hour)
        of_day = (at_utc.hour + 8) % 24
        usual = (
            0.25
            + 1.1 * math.exp(-(((of_day - 19) / 2.6) ** 2))
            + 0.8 * math.exp(-(((of_day - 7.5) / 1.9) ** 2))
            + (0.35 if 6 <= of_day <= 23 else 0.0)
        )
        observed: float | None = usual * chance.uniform(0.88, 1.12)
        if at_utc >= leak_from:
            observed = (observed or 0.0) + 0.9
        if 150 <= hour < 160:
            observed = None
        points.append(
            ChartPoint(
                at_utc=at_utc,
                observed=observed,
                expected_low=usual * 0.6,
                expected_high=usual * 1.25 + 0.15,
            )
        )
    return Evidence(
        sentence=text(
            "For 4 nights in a row the flow never fell below 1.12 m³/h; the limit is 0.35 m³/h.",
            "连续 4 个夜间最小流量不低于 1.12 m³/h, 限值为 0.35 m³/h。",
        ),
        quantity="flow_actual_m3h",
        unit="m³/h",
        rule_from_utc=leak_from,
        rule_to_utc=now_utc - timedelta(hours=6),
        points=points,
        numbers=(
            EvidenceNumber(
                name=text("Lowest night flow", "夜间最小流量"),
                value=1.12,
                unit="m³/h",
                limit=0.35,
                is_trigger=True,
            ),
            EvidenceNumber(name=text("Nights in a row", "连续夜数"), value=4, unit="d", limit=3),
            EvidenceNumber(name=text("Lost so far", "累计损失"), value=107, unit="m³"),
        ),
        check_first=(
            text("Does somebody work at night by agreement?", "用户是否有夜间生产约定?"),
            text("Flanges and joints behind the meter", "表后法兰与接头"),
            text("Regulator and relief valve", "调压器与放散阀"),
        ),
    )


def make_order(number: int, **changes: object) -> tuple[str, WorkOrderDocument]:
    """Return order number `number` with its id: media, states and places take turns."""
    media = (Medium.GAS, Medium.WATER, Medium.HEAT)
    medium = media[number % 3]
    priority = (1, 2, 2, 3, 3, 3, 4)[number % 7] if number else 1
    fields: dict[str, object] = {
        "number": f"WO-{number + 101:06d}",
        "state": WorkOrderState.RELEASED,
        "order_type": OrderType.LEAK_CHECK,
        "medium": medium,
        "safety_class": SafetyClass.B,
        "priority": priority,
        "title": _TITLES[medium][number // 3 % 2],
        "address": PLACES[number % len(PLACES)],
        "created_at_utc": NOW_UTC - timedelta(hours=2),
        "due_at_utc": NOW_UTC + timedelta(minutes=37 * number - 65),
        "meter_id": f"{medium[0].upper()}M-{100001 + number}",
        "device_serial": f"8023{1122 + number}",
        "evidence": night_flow_evidence() if number == 0 else None,
        "instructions": _STEPS,
        "crew_id": "crew-3",
    }
    fields |= changes
    return order_id(number), WorkOrderDocument(**fields)  # type: ignore[arg-type] # by field name


PLANE = Plane(latitude_deg=38.0, longitude_deg=114.5)
"""Where the town's south-western corner is."""


def make_site(number: int) -> OrderSite:
    """Return where order number `number` is, with a meter that counts two units a day."""
    now_ms = int(NOW_UTC.timestamp() * 1000)
    return OrderSite(
        x_m=180.0 + 230.0 * (number % 4),
        y_m=160.0 + 190.0 * (number // 3),
        meter_class="household",
        meter_size="G4",
        quantity=Quantity.VOLUME_ACTUAL_M3,
        counts=tuple(
            Count(at_ms=now_ms - days * 86_400_000, value=1842.0 - 2 * days) for days in (30, 7, 1)
        ),
    )


def small_network() -> NetworkPart:
    """Return some streets: gas in three pressures, water, heat, wells and boxes."""
    pipes, points = [], []

    def pipe(
        name: str, medium: Medium, level: PipeLevel, *corners: tuple[float, float], by: str = ""
    ) -> None:
        closed_by = tuple(by.split()) if by else ()
        pipes.append(
            Pipe(
                pipe_id=name,
                medium=medium,
                level=level,
                line_m=corners,
                diameter_mm={"high": 300, "medium": 160}.get(level, 90),
                closed_by=closed_by,
            )
        )

    def point(name: str, kind: PointKind, medium: Medium, x_m: float, y_m: float) -> None:
        points.append(
            NetworkPoint(
                point_id=name.lower(),
                kind=kind,
                medium=medium,
                level=PipeLevel.MEDIUM,
                x_m=x_m,
                y_m=y_m,
                name=name,
            )
        )

    gas, water, heat = Medium.GAS, Medium.WATER, Medium.HEAT
    pipe("gas-h", gas, PipeLevel.HIGH, (0, 60), (1100, 60), by="vw-001")
    pipe("gas-m-1", gas, PipeLevel.MEDIUM, (120, 60), (120, 820), (520, 820), by="vw-014 vw-031")
    pipe("gas-m-2", gas, PipeLevel.MEDIUM, (520, 820), (1020, 820), (1020, 260), by="vw-031")
    for number in range(4):
        x_m = 230.0 + 210 * number
        pipe(f"gas-l-{number}", gas, PipeLevel.LOW, (x_m, 820), (x_m, 420), (x_m + 90, 420))
        point(f"RB-{number + 110}", PointKind.REGULATOR, gas, x_m, 700)
    pipe("water-1", water, PipeLevel.MEDIUM, (60, 300), (1080, 300), by="wv-1")
    pipe("water-2", water, PipeLevel.LOW, (420, 300), (420, 960))
    pipe("heat-s", heat, PipeLevel.SUPPLY, (700, 960), (700, 200), (980, 200))
    pipe("heat-r", heat, PipeLevel.RETURN, (712, 960), (712, 212), (980, 212))
    point("VW-001", PointKind.VALVE_WELL, gas, 60, 60)
    point("VW-014", PointKind.VALVE_WELL, gas, 120, 240)
    point("VW-031", PointKind.VALVE_WELL, gas, 480, 820)
    point("WV-1", PointKind.VALVE, water, 110, 300)
    point("HX-7", PointKind.SUBSTATION, heat, 980, 206)
    return NetworkPart(area_id="west", plane=PLANE, pipes=tuple(pipes), points=tuple(points))


def order_id(number: int) -> str:
    """Return the id of order number `number`."""
    return f"01900000-0000-7000-8000-{number:012d}"


@dataclass(slots=True)
class TownOffice:
    """Deals out its orders on the first pull and applies what is pushed.

    `extra` are rows of other types (entity, id, document); `refuses` names events that it
    refuses; `pushed` keeps every operation it has seen.
    """

    clock: HandClock
    orders: Sequence[tuple[str, WorkOrderDocument]] = ()
    network: Sequence[NetworkPart] = ()
    extra: Sequence[tuple[str, str, JsonObject]] = ()
    refuses: frozenset[str] = frozenset()
    is_reachable: bool = True
    pushed: list[Operation] = field(default_factory=list)

    def pull(self, token: str | None, limit: int) -> PullAnswer:
        """Return every order to a tablet that has none, nothing to one that has them."""
        del limit
        self._answer()
        rows = [self._row(each, document) for each, document in self.orders]
        rows += [_row_of(entity, entity_id, body) for entity, entity_id, body in self.extra]
        page = BucketPage(bucket="crew:crew-3", is_reset=True, rows=rows)
        area = BucketPage(bucket="area:west", is_reset=True, rows=self._network_rows())
        return PullAnswer(
            server_epoch=EPOCH,
            server_now_ms=self._now_ms(),
            token="all",  # noqa: S106 - how far the tablet has read
            has_more=False,
            buckets=() if token else (page, area) if self.network else (page,),
        )

    def push(self, push: WrittenPush) -> PushAnswer:
        """Return one outcome for each operation."""
        self._answer()
        operations = parse_push(read_json("push", dump_written(push))).operations
        self.pushed.extend(operations)
        return PushAnswer(
            server_epoch=EPOCH,
            server_now_ms=self._now_ms(),
            results=[self._result(operation) for operation in operations],
        )

    def _answer(self) -> None:
        if not self.is_reachable:
            raise ConnectionError("the cable is cut")

    def _result(self, operation: Operation) -> OperationResult:
        if operation.field in self.refuses:
            return OperationResult(
                op_id=operation.op_id, outcome=Outcome.REFUSED, code=Code.GONE, detail="cancelled"
            )
        return OperationResult(op_id=operation.op_id, outcome=Outcome.APPLIED, seq=9)

    def _now_ms(self) -> int:
        return int(self.clock.now_utc().timestamp() * 1000)

    def _network_rows(self) -> list[EntityRow]:
        rows = []
        for part in self.network:
            for which, body in (("pipes", pipes_json(part)), ("points", points_json(part))):
                entity_id = f"{part.area_id}:{which}"
                rows.append(
                    EntityRow(
                        entity=NETWORK,
                        entity_id=entity_id,
                        seq=1,
                        row_hash=hash_row(NETWORK, entity_id, body),
                        document=body,
                    )
                )
        return rows

    @staticmethod
    def _row(entity_id: str, document: WorkOrderDocument) -> EntityRow:
        return _row_of(ENTITY, entity_id, order_json(document))


def _row_of(entity: str, entity_id: str, body: JsonObject) -> EntityRow:
    return EntityRow(
        entity=entity,
        entity_id=entity_id,
        seq=1,
        row_hash=hash_row(entity, entity_id, body),
        document=body,
    )
