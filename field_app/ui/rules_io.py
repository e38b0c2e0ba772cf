"""Loads the kv files of widgets and screens, each once: a second load would apply rules twice.

The list needs five of them; the rest is read while it stands on the glass, one file a frame.
"""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Final

from kivy.lang import Builder

_UI: Final = Path(__file__).parent

_FIRST: Final = (
    "widgets.basics",
    "widgets.order_row",
    "widgets.lists",
    "screens.orders",
    "screens.shell",
)
"""What the list of orders is made of."""

_LATER: Final = (
    "file_picker",
    "widgets.route_sketch",
    "widgets.evidence_chart",
    "widgets.blocks",
    "widgets.network_map",
    "screens.order",
    "screens.sheet",
    "screens.finding",
    "screens.sync_page",
    "screens.settings",
    "screens.enrol",
    "screens.log_in",
    "screens.photos",
    "screens.map",
    "screens.form",
    "screens.meter_pad",
    "screens.round_list",
    "screens.run",
    "screens.signing",
)


def load_first_rules() -> None:
    """Load what the list of orders needs."""
    _load(_FIRST, most=len(_FIRST))


def load_rules() -> None:
    """Load everything: a screen other than the list is wanted."""
    _load((*_FIRST, *_LATER), most=len(_FIRST) + len(_LATER))


def load_next_rule() -> bool:
    """Load one file more; return whether there was one."""
    return _load(_LATER, most=1) > 0


def _load(names: Sequence[str], most: int) -> int:
    """Load at most so many files that are not loaded yet; return how many were."""
    loaded = 0
    for name in names:
        path = str(_UI.joinpath(*name.split(".")).with_suffix(".kv"))
        if loaded < most and path not in Builder.files:
            import_module(f"field_app.ui.{name}")  # its rules name the classes in it
            Builder.load_file(path, encoding="utf-8")
            loaded += 1
    return loaded
