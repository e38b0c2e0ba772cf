"""Loads the kv files of widgets and screens, each once: a second load would apply rules twice."""

from pathlib import Path

from kivy.lang import Builder

from field_app.ui.screens import (
    enrol,
    finding,
    log_in,
    order,
    orders,
    settings,
    shell,
    sync_page,
)
from field_app.ui.widgets import basics, evidence_chart, lists, order_row

_MODULES = (
    basics,
    order_row,
    evidence_chart,
    lists,
    enrol,
    log_in,
    orders,
    order,
    finding,
    sync_page,
    settings,
    shell,
)


def load_rules() -> None:
    """Load the kv file beside every widget and screen module that has not been loaded."""
    for module in _MODULES:
        path = str(Path(str(module.__file__)).with_suffix(".kv"))
        if path not in Builder.files:
            Builder.load_file(path, encoding="utf-8")
