"""kill -9 of the real app while somebody types: it begins again where it was, after the PIN."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from field_app.tablet import open_tablet
from field_app.ui.kept_place import KeptPlace
from tests.field_app_ui.conftest import Field
from tests.field_app_ui.office_forms import builtin, published
from tests.field_app_ui.test_crew_flows import FIRST
from tests.field_app_ui.test_log_in_flows import type_pin
from tests.field_app_ui.town_office import order_id
from tests.field_app_ui.used_until_killed import PIN

OTHERS = ("photos", "form:leak-gas")
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "values", [1, *(pytest.param(count, marks=pytest.mark.nightly) for count in (2, 5, 9, 14))]
)
def test_an_app_that_was_killed_stands_after_the_pin_where_it_was(
    crew: Field, values: int, tmp_path: Path
) -> None:
    folder = tmp_path / "killed"
    folder.mkdir()
    said = use_until_killed(folder, values)
    crew.folder = folder
    ui = crew.switch_on()
    assert ui.all("LogInScreen"), "what it was doing is nobody's business"
    ui.tap_hint("li-wei")
    ui.settle()
    type_pin(ui, PIN)

    assert ui.get("SheetScreen").view.title == crew.says("Gas test before entry")
    shown = ui.get("Field", hint="oxygen_pct", anywhere=True).text
    assert shown == str(said) or int(shown or 0) > said, "no answer older than the last is lost"


def use_until_killed(folder: Path, values: int) -> int:
    """Let another process use the app, kill it, and return the last value that it kept."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.field_app_ui.used_until_killed", str(folder)],
        cwd=ROOT,
        env={**os.environ, "LAMP_UI_MODE": "mock"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    said = 0
    while said < values:
        said = int(child.stdout.readline())
    child.kill()
    rest = [line for line in child.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    child.stdout.close()
    child.wait(60)
    return int(rest[-1]) if rest else said


@pytest.mark.parametrize(
    "tool", ["signature", *(pytest.param(each, marks=pytest.mark.nightly) for each in OTHERS)]
)
def test_what_is_signed_after_a_kill_names_its_order(crew: Field, tool: str) -> None:
    crew.office.extra = [published(builtin("leak-gas"))]
    with closing(
        open_tablet(crew.folder, crew.clock, connect=lambda _identity: crew.office)
    ) as before:
        before.sync_now()
        before.keep_place(KeptPlace(place="orders", order_id=order_id(0), tool=tool).text())

    page = crew.switch_on().app.navigator.page

    assert page is not None, "it stands where it was"
    said = [each.text for each in page.walk() if getattr(each, "text", "")]
    assert any(FIRST in text for text in said), said
