"""Real parts for page tests: a seeded database, accounts, and the application on a real port."""

import math
import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import uvicorn
from argon2 import PasswordHasher
from fastapi import FastAPI
from sqlalchemy import Connection, Engine

from sync_server.access.account_store import Crew, NewAccount, create_account, create_crew
from sync_server.access.passwords_io import PasswordHasherIo
from sync_server.access.roles import Role
from sync_server.alerts.alert import AlertFinding
from sync_server.alerts.alert_store import acknowledge, raise_alert, return_alert, shelve
from sync_server.assets.asset_store import (
    add_community,
    add_gateway,
    add_meter,
    map_device,
)
from sync_server.assets.assets import MeterClass, NewCommunity, NewMeter
from sync_server.web.app_io import build_app
from sync_server.web.settings import WebSettings
from sync_server.work_orders.order_store import create_from_alert
from tests.free_ports import free_port
from tests.sync_server.real_parts import NOON, wait_until
from wire_contracts.clock import Clock
from wire_contracts.evidence import ChartPoint, Evidence, EvidenceNumber
from wire_contracts.kinds import Kind
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText

PASSWORD = "a lamp in every window"  # noqa: S105  # of accounts that live for one test
SITE = WebSettings(site_name="Beicheng Utilities", zone_name="Asia/Shanghai", language="en")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """One meter with its alert."""

    meter_id: str
    medium: Medium
    kind: Kind
    rule: str
    place: tuple[str, str]
    address: str
    value: float
    limit: float
    unit: str
    hours_ago: float
    size: str = "DN20"


_CHECKS = (
    BilingualText(
        en="Toilet and hoses: ask the customer to close the stop valve",
        zh="马桶水箱、软管：电话请用户关总阀看表",
    ),
    BilingualText(en="Neighbours normal: indoors, not the main", zh="邻居正常：户内问题，不是管网"),
    BilingualText(en="No exchange, no gap in 30 days", zh="近 30 天无换表、无缺数"),
)


def evidence_for(spot: Spot, now_utc: datetime) -> Evidence:
    """Return four days of quarter hours with a daily pattern and a rise at the end."""
    chance = random.Random(spot.meter_id)  # a picture, not a secret
    points = []
    for step in range(4 * 96):
        at_utc = now_utc - timedelta(minutes=15 * (4 * 96 - step))
        hour = (at_utc.hour + at_utc.minute / 60 + 8) % 24
        usual = 0.05 + 0.9 * (
            math.exp(-(((hour - 7) / 1.7) ** 2)) + 0.8 * math.exp(-(((hour - 19) / 2.4) ** 2))
        )
        usual *= spot.limit * 3
        extra = spot.value if step > 4 * 96 - spot.hours_ago * 4 - 96 else 0.0
        is_gap = 120 <= step < 132
        points.append(
            ChartPoint(
                at_utc=at_utc,
                observed=None if is_gap else usual * chance.uniform(0.8, 1.2) + extra,
                expected_low=usual * 0.5,
                expected_high=usual * 1.4 + 0.1 * spot.limit,
            )
        )
    name = BilingualText(en="Night minimum 02–05 h", zh="夜间最小流量 02–05 时")
    return Evidence(
        sentence=BilingualText(
            en=f"Lowest night flow {spot.value} {spot.unit} is above the limit {spot.limit}.",
            zh=f"夜间最小流量 {spot.value} {spot.unit}，高于限值 {spot.limit}。",
        ),
        quantity="flow_m3h",
        unit=spot.unit,
        rule_from_utc=now_utc - timedelta(hours=spot.hours_ago + 20),
        rule_to_utc=now_utc,
        points=points,
        numbers=(
            EvidenceNumber(
                name=name, value=spot.value, unit=spot.unit, limit=spot.limit, is_trigger=True
            ),
            EvidenceNumber(
                name=BilingualText(en="Baseline, 28 nights p20", zh="基线 28 夜 20 分位"),
                value=spot.limit / 3,
                unit=spot.unit,
            ),
            EvidenceNumber(
                name=BilingualText(en="Hours without zero flow", zh="连续无零小时"),
                value=45,
                unit="h",
                limit=24,
                is_trigger=True,
            ),
            EvidenceNumber(
                name=BilingualText(en="Estimated loss", zh="估计漏失"), value=8.6, unit="m³/d"
            ),
        ),
        check_first=_CHECKS,
    )


_W, _G, _H = Medium.WATER, Medium.GAS, Medium.HEAT
_XIN = ("Xinhua Garden", "新华花园")
_BIN = ("Binhe East", "滨河东区")
_CHA = ("Chang’an Court", "长安苑")
SPOTS: Sequence[Spot] = tuple(
    Spot(
        meter_id=meter_id,
        medium=medium,
        kind=kind,
        rule=rule,
        place=place,
        address=address,
        value=value,
        limit=limit,
        unit="m³/h",
        hours_ago=hours_ago,
    )
    for meter_id, medium, kind, rule, place, address, value, limit, hours_ago in (
        ("GM-031207", _G, Kind.SLOW_LEAK, "night_flow", _BIN, "46 Binhe East Rd", 0.31, 0.05, 0.1),
        ("DMA-03", _W, Kind.BURST, "continuous_flow", _XIN, "DMA 3 inlet", 31.0, 12.0, 3.0),
        ("HM-100214", _H, Kind.BURST, "continuous_flow", _CHA, "9 Chang’an St", 9.1, 4.0, 2.0),
        ("WM-204418", _W, Kind.SLOW_LEAK, "night_flow", _XIN, "137 Xinhua N St", 0.42, 0.15, 45),
        ("WM-201733", _W, Kind.SLOW_LEAK, "continuous_flow", _BIN, "12 Binhe Rd", 0.18, 0.1, 4.0),
        ("HM-100877", _H, Kind.SLOW_LEAK, "night_flow", _CHA, "53 Heping Rd", 0.7, 0.4, 9.0),
        ("WM-208220", _W, Kind.SLOW_LEAK, "night_flow", _CHA, "8 Heping Rd", 0.2, 0.15, 12.0),
        ("GC-0041", _G, Kind.COMM_GAP, "silent_meter", _BIN, "Food works", 9.0, 4.0, 6.0),
        ("WM-209001", _W, Kind.COMM_GAP, "silent_meter", _XIN, "2 Park Lane", 7.0, 4.0, 26.0),
        ("WM-209002", _W, Kind.COMM_GAP, "silent_meter", _XIN, "4 Park Lane", 5.0, 4.0, 30.0),
    )
)


def add_spot(connection: Connection, spot: Spot, now_utc: datetime) -> str:
    """Add the meter of a spot and raise its alert; return the alert's id."""
    area_id = spot.place[0].split()[0].lower()
    add_community(
        connection,
        NewCommunity(
            community_id=area_id, name_en=spot.place[0], name_zh=spot.place[1], area_id=area_id
        ),
    )
    meter = NewMeter(
        meter_id=spot.meter_id,
        medium=spot.medium,
        meter_class=MeterClass.CONSUMER,
        size=spot.size,
        community_id=area_id,
        address=spot.address,
        interval=timedelta(minutes=15),
        is_mains_powered=True,
    )
    add_meter(connection, meter, now_utc)
    map_device(connection, f"SN-{spot.meter_id}", spot.meter_id)
    raised_at_utc = now_utc - timedelta(hours=spot.hours_ago)
    finding = AlertFinding(
        meter_id=spot.meter_id,
        medium=spot.medium,
        kind=spot.kind,
        rule=spot.rule,
        started_at_utc=raised_at_utc - timedelta(hours=20),
        detected_at_utc=raised_at_utc,
        score=2.0,
        evidence=evidence_for(spot, now_utc),
    )
    return raise_alert(connection, finding, raised_at_utc)


def add_person(connection: Connection, login: str, role: Role, crew_id: str | None = None) -> str:
    """Add an account with the tests' password; return its id."""
    account = NewAccount(
        login=login,
        display_name=login.title(),
        role=role,
        password_hash=quick_hasher().hash(PASSWORD),
        language="en",
        crew_id=crew_id,
    )
    return create_account(connection, account, NOON).account_id


def quick_hasher() -> PasswordHasherIo:
    """Return argon2 at its smallest cost: a test proves the way, not the strength."""
    return PasswordHasherIo(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


def seed_desk(engine: Engine, now_utc: datetime) -> dict[str, str]:
    """Fill a database with a desk's morning; return meter id -> alert id."""
    with engine.begin() as connection:
        create_crew(connection, Crew(crew_id="crew-3", name="Crew 3"), now_utc)
        create_crew(connection, Crew(crew_id="crew-5", name="Crew 5"), now_utc)
        who = add_person(connection, "zhou min", Role.CONTROL_ROOM)
        add_person(connection, "root", Role.ADMINISTRATOR)
        add_gateway(connection, "gw-07", "Binhe Xili", now_utc)
        alerts = {spot.meter_id: add_spot(connection, spot, now_utc) for spot in SPOTS}
        acknowledge(connection, alerts["HM-100877"], who, now_utc)
        acknowledge(connection, alerts["WM-209001"], who, now_utc)
        return_alert(connection, alerts["WM-201733"], now_utc)
        until_utc = now_utc + timedelta(hours=2)
        shelve(connection, alerts["WM-209002"], who, until_utc, "maintenance", now_utc)
        create_from_alert(connection, alerts["DMA-03"], who, "crew-5", now_utc)
        create_from_alert(connection, alerts["HM-100877"], who, "crew-3", now_utc)
    return alerts


class Served:
    """The application on a real port, in a thread of this process."""

    def __init__(self, app: FastAPI, port: int) -> None:
        """Prepare the server; `start` opens the port."""
        self.app = app
        self.base_url = f"http://127.0.0.1:{port}"
        config = uvicorn.Config(
            app, host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=2
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)

    def start(self) -> None:
        """Start and wait until the port answers."""
        self._thread.start()
        wait_until(lambda: self._server.started)

    def stop(self) -> None:
        """Stop and wait; a second call does nothing."""
        self.app.state.live.close()
        self._server.should_exit = True
        self._thread.join(15)


@contextmanager
def served(engine: Engine, clock: Clock, settings: WebSettings = SITE) -> Iterator[Served]:
    """Serve the application until the block ends."""
    server = Served(build_app(engine, clock, settings, quick_hasher()), free_port())
    server.start()
    try:
        yield server
    finally:
        server.stop()
