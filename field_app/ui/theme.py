# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""The colours, sizes and shades of the three themes; the only place where a colour is written."""

from collections.abc import Mapping
from enum import StrEnum

from kivy.event import EventDispatcher
from kivy.properties import DictProperty, NumericProperty, StringProperty
from kivy.utils import get_color_from_hex


class ThemeName(StrEnum):
    """The shades a crew can choose: indoors, at night, in the sun."""

    LIGHT = "light"
    DARK = "dark"
    SUN = "sun"


PALETTES: Mapping[ThemeName, Mapping[str, str]] = {
    ThemeName.LIGHT: {
        "bg": "#EEF1F5",
        "surface": "#FFFFFF",
        "surface2": "#F4F6FA",
        "ink": "#10192B",
        "muted": "#566279",
        "line": "#D5DCE6",
        "field_line": "#8793A8",
        "bar": "#12233D",
        "bar_chip": "#2A3F60",
        "bar_ink": "#FFFFFF",
        "bar_muted": "#B4C2D8",
        "bar_ok": "#7BE3A6",
        "accent": "#FFB224",
        "primary": "#1257D6",
        "primary_ink": "#FFFFFF",
        "primary_soft": "#E3ECFC",
        "danger": "#C0202A",
        "danger_ink": "#FFFFFF",
        "danger_soft": "#FCE6E7",
        "warn": "#984405",
        "warn_ink": "#FFFFFF",
        "warn_soft": "#FDF0DC",
        "ok": "#0E6C3B",
        "ok_ink": "#FFFFFF",
        "ok_soft": "#DFF3E8",
        "info": "#1257D6",
        "info_ink": "#FFFFFF",
        "info_soft": "#E3ECFC",
        "idle": "#4F5B71",
        "idle_ink": "#FFFFFF",
        "idle_soft": "#E8ECF2",
        "heat": "#B23A08",
        "heat_soft": "#FCE7DD",
        "gas": "#7D5F00",
        "gas_soft": "#F7EDC9",
        "water": "#0B6B80",
        "water_soft": "#D9EEF2",
        "p1": "#C0202A",
        "p2": "#B35200",
        "p3": "#1257D6",
        "p4": "#5D6A82",
        "chart_line": "#12233D",
        "chart_band": "#CFE6D8",
        "chart_rule": "#F9D9DB",
        "map_gas": "#B88300",
        "map_water": "#0B7C93",
        "map_supply": "#C2255C",
        "map_return": "#2563EB",
        "map_bg": "#E9EDF2",
        "map_grid": "#D8DEE7",
    },
    ThemeName.DARK: {
        "bg": "#0C121D",
        "surface": "#172131",
        "surface2": "#1E2A3D",
        "ink": "#EDF2FA",
        "muted": "#A6B3C8",
        "line": "#2F3E56",
        "field_line": "#71829C",
        "bar": "#0F1827",
        "bar_chip": "#24344E",
        "bar_ink": "#FFFFFF",
        "bar_muted": "#9FAFC8",
        "bar_ok": "#7BE3A6",
        "accent": "#FFB224",
        "primary": "#6C9EFF",
        "primary_ink": "#07142B",
        "primary_soft": "#1B3160",
        "danger": "#FF858D",
        "danger_ink": "#2B060A",
        "danger_soft": "#45202A",
        "warn": "#FFB454",
        "warn_ink": "#2B1800",
        "warn_soft": "#41301A",
        "ok": "#55D392",
        "ok_ink": "#04210F",
        "ok_soft": "#163B2B",
        "info": "#8CB4FF",
        "info_ink": "#07142B",
        "info_soft": "#1B3160",
        "idle": "#A6B3C8",
        "idle_ink": "#07142B",
        "idle_soft": "#263347",
        "heat": "#FF9A6B",
        "heat_soft": "#432A22",
        "gas": "#F2CC4D",
        "gas_soft": "#3B3419",
        "water": "#58C7DC",
        "water_soft": "#153743",
        "p1": "#FF858D",
        "p2": "#FFB454",
        "p3": "#8CB4FF",
        "p4": "#A6B3C8",
        "chart_line": "#EDF2FA",
        "chart_band": "#21503B",
        "chart_rule": "#57262F",
        "map_gas": "#F2CC4D",
        "map_water": "#58C7DC",
        "map_supply": "#FF7FA5",
        "map_return": "#7FA8FF",
        "map_bg": "#111A28",
        "map_grid": "#1E2A3D",
    },
    ThemeName.SUN: {
        "bg": "#FFFFFF",
        "surface": "#FFFFFF",
        "surface2": "#FFFFFF",
        "ink": "#000000",
        "muted": "#1F2733",
        "line": "#000000",
        "field_line": "#000000",
        "bar": "#000000",
        "bar_chip": "#000000",
        "bar_ink": "#FFFFFF",
        "bar_muted": "#FFFFFF",
        "bar_ok": "#FFFFFF",
        "accent": "#FFC400",
        "primary": "#0033A0",
        "primary_ink": "#FFFFFF",
        "primary_soft": "#FFFFFF",
        "danger": "#A80000",
        "danger_ink": "#FFFFFF",
        "danger_soft": "#FFFFFF",
        "warn": "#703500",
        "warn_ink": "#FFFFFF",
        "warn_soft": "#FFFFFF",
        "ok": "#00561F",
        "ok_ink": "#FFFFFF",
        "ok_soft": "#FFFFFF",
        "info": "#0033A0",
        "info_ink": "#FFFFFF",
        "info_soft": "#FFFFFF",
        "idle": "#1F2733",
        "idle_ink": "#FFFFFF",
        "idle_soft": "#DCE1E8",
        "heat": "#9A2A00",
        "heat_soft": "#FFFFFF",
        "gas": "#5C4500",
        "gas_soft": "#FFFFFF",
        "water": "#00505F",
        "water_soft": "#FFFFFF",
        "p1": "#A80000",
        "p2": "#703500",
        "p3": "#0033A0",
        "p4": "#1F2733",
        "chart_line": "#000000",
        "chart_band": "#BFE3CC",
        "chart_rule": "#FFC9CC",
        "map_gas": "#7A5A00",
        "map_water": "#005F70",
        "map_supply": "#A8003F",
        "map_return": "#0033A0",
        "map_bg": "#FFFFFF",
        "map_grid": "#D0D0D0",
    },
}
"""Token -> colour of each theme; the sunlight theme has no tints, which wash out first."""

BORDER_DP = {ThemeName.LIGHT: 1, ThemeName.DARK: 1, ThemeName.SUN: 2}
"""Width of a border; sunlight needs two pixels to be seen at all."""

TEXT_ON: tuple[tuple[str, str], ...] = (
    ("ink", "surface"),
    ("ink", "surface2"),
    ("ink", "bg"),
    ("muted", "surface"),
    ("muted", "surface2"),
    ("muted", "bg"),
    ("bar_ink", "bar"),
    ("bar_ink", "bar_chip"),
    ("bar_muted", "bar"),
    ("bar_ok", "bar_chip"),
    ("accent", "bar_chip"),
    ("primary_ink", "primary"),
    ("primary", "surface"),
    ("primary", "primary_soft"),
    ("danger_ink", "danger"),
    ("danger", "surface"),
    ("danger", "danger_soft"),
    ("warn_ink", "warn"),
    ("warn", "surface"),
    ("warn", "warn_soft"),
    ("ok_ink", "ok"),
    ("ok", "surface"),
    ("ok", "ok_soft"),
    ("info", "info_soft"),
    ("idle", "idle_soft"),
    ("heat", "heat_soft"),
    ("gas", "gas_soft"),
    ("water", "water_soft"),
    ("p1", "surface"),
    ("p2", "surface"),
    ("p3", "surface"),
    ("p4", "surface"),
    ("ink", "chart_band"),
    ("ink", "chart_rule"),
)
"""Every pair of a text's colour with the colour behind it that a screen draws."""

_RGBA: Mapping[ThemeName, Mapping[str, list[float]]] = {
    name: {
        "none": [0.0, 0.0, 0.0, 0.0],
        **{token: get_color_from_hex(colour) for token, colour in palette.items()},
    }
    for name, palette in PALETTES.items()
}


class Theme(EventDispatcher):
    """The theme in use: `c` maps a token to its colour; the screens bind to it and re-colour."""

    name = StringProperty("")
    border_dp = NumericProperty(1)
    c = DictProperty(dict(_RGBA[ThemeName.LIGHT]))

    def __init__(self, name: ThemeName = ThemeName.LIGHT) -> None:
        """Start with the theme `name`."""
        super().__init__()
        self.use(name)

    def use(self, name: ThemeName) -> None:
        """Show everything in the theme `name` from the next frame on."""
        self.border_dp = BORDER_DP[name]
        self.c = dict(_RGBA[name])
        self.name = str(name)

    def next_name(self) -> ThemeName:
        """Return the theme that follows the one in use, in a circle."""
        names = list(ThemeName)
        return names[(names.index(ThemeName(self.name)) + 1) % len(names)]
