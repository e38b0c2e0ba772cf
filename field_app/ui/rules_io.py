"""Loads the kv files of widgets and screens, each once: a second load would apply rules twice."""

from pathlib import Path

from kivy.lang import Builder

from field_app.ui import file_picker
from field_app.ui.screens import (
    enrol,
    finding,
    form,
    log_in,
    meter_pad,
    order,
    orders,
    photos,
    round_list,
    run,
    settings,
    sheet,
    shell,
    signing,
    sync_page,
)
from field_app.ui.screens import map as map_screen
from field_app.ui.widgets import (
    basics,
    blocks,
    evidence_chart,
    lists,
    network_map,
    order_row,
    route_sketch,
)

_MODULES = (
    basics,
    file_picker,
    order_row,
    route_sketch,
    evidence_chart,
    lists,
    blocks,
    network_map,
    enrol,
    log_in,
    orders,
    photos,
    map_screen,
    order,
    finding,
    form,
    sheet,
    sync_page,
    settings,
    meter_pad,
    round_list,
    run,
    signing,
    shell,
)


def load_rules() -> None:
    """Load the kv file beside every widget and screen module that has not been loaded."""
    for module in _MODULES:
        path = str(Path(str(module.__file__)).with_suffix(".kv"))
        if path not in Builder.files:
            Builder.load_file(path, encoding="utf-8")
