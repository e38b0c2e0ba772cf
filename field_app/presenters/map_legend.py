"""Decides what the legend of the map says of the lines and signs that are on it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from field_app.presenters.map_views import LegendLine, MapLines, MapStop, Place
from field_app.presenters.ports import Words
from wire_contracts.network import NetworkPoint, PointKind

SIGN_ICONS: Final[Mapping[PointKind, str]] = {
    PointKind.VALVE_WELL: "valve",
    PointKind.VALVE: "valve",
    PointKind.REGULATOR: "gauge",
    PointKind.SUBSTATION: "home-map-marker",
    PointKind.GATEWAY: "server-network",
}
"""Icon of a part of the network."""


def legend_of_pipes(t: Words, groups: Sequence[MapLines]) -> tuple[LegendLine, ...]:
    """Return what the pipes mean that are on this map."""
    texts = {
        ("map_gas", 8.0): t("Gas, high pressure"),
        ("map_gas", 5.0): t("Gas, medium pressure"),
        ("map_gas", 2.0): t("Gas, low pressure"),
        ("map_water", 8.0): t("Water"),
        ("map_water", 5.0): t("Water"),
        ("map_water", 2.0): t("Water"),
        ("map_supply", 3.5): t("Heat, supply"),
        ("map_return", 3.5): t("Heat, return"),
    }
    lines = {
        text: LegendLine(tone=group.tone, width_dp=group.width_dp, core_dp=group.core_dp, text=text)
        for group in groups
        if (text := texts.get((group.tone, group.width_dp)))
    }
    return tuple(lines[text] for text in dict.fromkeys(texts.values()) if text in lines)


def legend_of_signs(
    t: Words, points: Iterable[NetworkPoint], stops: Sequence[MapStop], here: Place | None
) -> tuple[LegendLine, ...]:
    """Return what the signs mean that are on this map, in the order of the kinds."""
    there = {point.kind for point in points}
    texts = {SIGN_ICONS[kind]: _sign_text(t, kind) for kind in PointKind if kind in there}
    signs = [LegendLine(tone="ink", icon=icon, text=text) for icon, text in texts.items()]
    order = next((each for each in stops if not each.is_checkpoint), None)
    if order is not None:
        signs.append(LegendLine(tone=order.tone, icon=order.icon, text=t("Order: 1 comes first")))
    if here is not None:
        signs.append(LegendLine(tone="primary", icon="crosshairs-gps", text=t("You are here")))
    return tuple(signs)


def _sign_text(t: Words, kind: PointKind) -> str:
    is_valve = kind in {PointKind.VALVE, PointKind.VALVE_WELL}
    return t("Valve, valve well") if is_valve else kind_text(t, kind)


def kind_text(t: Words, kind: PointKind) -> str:
    """Return what a part of the network is."""
    texts = {
        PointKind.VALVE_WELL: t("Valve well"),
        PointKind.VALVE: t("Valve"),
        PointKind.REGULATOR: t("Regulator box"),
        PointKind.SUBSTATION: t("Substation"),
        PointKind.GATEWAY: t("Gateway"),
    }
    return texts[kind]
