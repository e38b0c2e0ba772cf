"""docs/server.md says what the server has: every setting, role, page and metric."""

import re
from pathlib import Path

from prometheus_client import CollectorRegistry

from sync_server.access.roles import Action, Role, roles_with
from sync_server.config_io import SETTINGS
from sync_server.readings.health import IngestMetrics
from sync_server.web.pages_io import NAV

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "server.md"
FIRST_CELLS = re.compile(r"^\| `([^`]+)` \|(.*)\|$", re.MULTILINE)


def section(heading: str) -> str:
    text = DOCUMENT.read_text(encoding="utf-8")
    level = heading.split(" ", 1)[0]
    following = re.compile(rf"^#{{2,{len(level)}}} ", re.MULTILINE)
    return following.split(text.split(f"{heading}\n", 1)[1])[0]


def rows(heading: str) -> dict[str, str]:
    return dict(FIRST_CELLS.findall(section(heading)))


def test_every_setting_is_documented_in_the_section_of_its_table() -> None:
    documented = {table: set(rows(f"### `[{table}]`")) for table in SETTINGS[""]}

    assert documented == {table: set(SETTINGS[table]) for table in SETTINGS[""]}


def test_the_table_of_roles_is_that_of_the_code() -> None:
    documented = {
        action: set(Role) if cell.strip() == "every role" else set(re.findall(r"`(\w+)`", cell))
        for action, cell in rows("## Roles").items()
    }

    assert documented == {str(action): set(roles_with(action)) for action in Action}


def test_every_page_of_the_rail_is_documented() -> None:
    assert set(rows("## Pages")) == {link.href for link in NAV}


def test_every_metric_is_documented() -> None:
    registry = CollectorRegistry()
    IngestMetrics(registry)
    names = {
        f"{metric.name}_total" if metric.type == "counter" else metric.name
        for metric in registry.collect()
    }

    assert set(re.findall(r"\| `(lamplighter_\w+)` \|", section("## Health and metrics"))) == names
