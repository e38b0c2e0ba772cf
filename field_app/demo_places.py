"""Owns the ground of the demo without a server: streets with pipes, wells, and why an order came.

Everything is made up; positions are metres east and north of the demo's corner.
"""

import math
from datetime import datetime, timedelta
from typing import Final

from wire_contracts.evidence import ChartPoint, Evidence, EvidenceNumber
from wire_contracts.frames import ms_from_utc
from wire_contracts.network import NetworkPart, NetworkPoint, Pipe, PipeLevel, Plane, PointKind
from wire_contracts.order_site import Count, OrderSite
from wire_contracts.quantities import Medium, Quantity
from wire_contracts.texts import BilingualText

CORNER: Final = Plane(latitude_deg=36.65, longitude_deg=117.12)
AREA: Final = "demo"

_PIPES: Final = (
    ("g-1", Medium.GAS, PipeLevel.MEDIUM, 160, ((-80, 40), (420, 40)), ("vw-1", "vw-2")),
    ("g-2", Medium.GAS, PipeLevel.LOW, 90, ((60, 40), (60, 460)), ("vw-2",)),
    ("g-3", Medium.GAS, PipeLevel.LOW, 90, ((330, 40), (330, 430)), ("vw-3",)),
    ("w-1", Medium.WATER, PipeLevel.MEDIUM, 200, ((-80, 260), (420, 260)), ("wv-1",)),
    ("h-1", Medium.HEAT, PipeLevel.SUPPLY, 250, ((190, -40), (190, 480)), ("hv-1",)),
    ("h-2", Medium.HEAT, PipeLevel.RETURN, 250, ((200, -40), (200, 480)), ("hv-1",)),
)
_POINTS: Final = (
    ("vw-1", PointKind.VALVE_WELL, Medium.GAS, 0, 40, "阀门井 1"),
    ("vw-2", PointKind.VALVE_WELL, Medium.GAS, 60, 60, "阀门井 2"),
    ("vw-3", PointKind.VALVE_WELL, Medium.GAS, 330, 70, "阀门井 3"),
    ("rb-1", PointKind.REGULATOR, Medium.GAS, 60, 180, "调压箱 1"),
    ("wv-1", PointKind.VALVE, Medium.WATER, -40, 260, "水阀 1"),
    ("hv-1", PointKind.SUBSTATION, Medium.HEAT, 195, 430, "换热站 1"),
)
_SITES: Final = ((70, 320), (300, 270), (180, 120), (340, 210), (120, 250))


def demo_network() -> NetworkPart:
    """Return pipes, wells and boxes of a few streets."""
    return NetworkPart(
        area_id=AREA,
        plane=CORNER,
        pipes=tuple(
            Pipe(
                pipe_id=name,
                medium=medium,
                level=level,
                line_m=tuple((float(x), float(y)) for x, y in line),
                diameter_mm=diameter_mm,
                closed_by=closed_by,
            )
            for name, medium, level, diameter_mm, line, closed_by in _PIPES
        ),
        points=tuple(
            NetworkPoint(
                point_id=name,
                kind=kind,
                medium=medium,
                level=PipeLevel.MEDIUM,
                x_m=float(x),
                y_m=float(y),
                name=text,
            )
            for name, kind, medium, x, y, text in _POINTS
        ),
    )


def demo_site(number: int, now_utc: datetime) -> OrderSite:
    """Return where an order is, with a meter that counts two units a day."""
    x_m, y_m = _SITES[number % len(_SITES)]
    now_ms = ms_from_utc(now_utc)
    return OrderSite(
        x_m=float(x_m),
        y_m=float(y_m),
        meter_class="household",
        meter_size="G4",
        quantity=Quantity.VOLUME_ACTUAL_M3,
        counts=tuple(
            Count(at_ms=now_ms - days * 86_400_000, value=1842.0 - 2 * days) for days in (30, 7, 1)
        ),
    )


_DAYS: Final = 8
_LEAK_DAYS: Final = 3
_LIMIT_M3H: Final = 0.35
_LEAK_M3H: Final = 0.9


def demo_evidence(now_utc: datetime) -> Evidence:
    """Return a leak that began three nights ago, as a detector would tell it."""
    leak_from = now_utc - timedelta(days=_LEAK_DAYS)
    points: list[ChartPoint] = []
    for hour in range(_DAYS * 24):
        at_utc = now_utc - timedelta(days=_DAYS) + timedelta(hours=hour)
        usual = 0.25 + 0.9 * math.sin(math.pi * (at_utc.hour % 12) / 12) ** 4
        points.append(
            ChartPoint(
                at_utc=at_utc,
                observed=usual + (_LEAK_M3H if at_utc >= leak_from else 0.0),
                expected_low=usual * 0.6,
                expected_high=usual * 1.25 + 0.15,
            )
        )
    return Evidence(
        sentence=BilingualText(
            en="For 3 nights in a row the flow never fell below 1.15 m³/h; the limit is 0.35 m³/h.",
            zh="连续 3 个夜间最小流量不低于 1.15 m³/h，限值为 0.35 m³/h。",
        ),
        quantity="flow_actual_m3h",
        unit="m³/h",
        rule_from_utc=leak_from,
        rule_to_utc=now_utc,
        points=points,
        numbers=(
            EvidenceNumber(
                name=BilingualText(en="Lowest night flow", zh="夜间最小流量"),
                value=1.15,
                unit="m³/h",
                limit=_LIMIT_M3H,
                is_trigger=True,
            ),
        ),
        check_first=(
            BilingualText(en="Flanges and joints behind the regulator", zh="调压器后的法兰和接头"),
        ),
    )
