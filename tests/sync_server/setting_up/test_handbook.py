"""The operator's handbook is true: its commands set a site up and keep it, in both languages."""

import base64
import json
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx import Client
from prometheus_client import CollectorRegistry
from sqlalchemy import create_engine, text

from sync_server.access.one_time_codes import code_at, step_at
from sync_server.clock_io import SystemClock
from sync_server.readings.health import IngestMetrics
from sync_server.setting_up.answers import QUESTIONS, SetUpError, answers_of
from sync_server.setting_up.monitoring import PANELS, RULES, alert_rules, grafana_page
from tests.edge_gateway.rig import MeterServer
from tests.edge_gateway.test_meter_to_server import heat_meter
from tests.sync_server.real_parts import wait_until
from tests.sync_server.setting_up.handbook import DOCS, PASSWORD, Machine, blocks, commands_of

METERS = (
    "meter_id,medium,meter_class,size,community_id,address,interval_s,is_mains_powered,"
    "device_serial\nM-1,heat,household,,,North street 1,900,true,HM-1\n"
)
BOX = "The gateway's box"
LINK = """
[[link]]
name = "cellar"
host = "127.0.0.1"
port = {port}
[[link.meter]]
serial = "HM-1"
device_address = 1
profile = "tuf_2000m@1"
intervals = {{ fast = "1s", slow = "1s" }}
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    monkeypatch.setenv("LAMPLIGHTER_NEW_PASSWORD", PASSWORD)
    (tmp_path / "m.csv").write_text(METERS, encoding="utf-8")
    machine = Machine(root=tmp_path)
    yield machine
    machine.close()


@pytest.fixture
def empty_postgres(postgres_url: str) -> Iterator[str]:
    head, _, query = postgres_url.partition("?")
    name = f"handbook_{uuid.uuid4().hex[:12]}"
    admin = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield f"{head.rpartition('/')[0]}/{name}?{query}"
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


def log_in(browser: Client, login: str) -> None:
    answer = browser.post("/login", data={"login": login, "password": PASSWORD})
    assert answer.status_code == 303, answer.text


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Machine]:
    root = tmp_path / "box"
    (root / "etc/systemd/system").mkdir(parents=True)
    box = Machine(root=root)
    yield box
    box.close()


def set_up_box(machine: Machine, box: Machine, lines: list[str], port: int) -> None:
    """Do at the box what the handbook says of it, and name its meter where it says so."""
    shutil.copytree(machine.root / "srv/gw-07", box.root / "srv/gw-07")
    for line in lines:
        if line.startswith("edge-gateway check-config"):
            settings = box.root / "etc/lamplighter/gateway.toml"
            data = str(box.root / "var/lib/lamplighter")
            own = settings.read_text(encoding="utf-8").replace("/var/lib/lamplighter", data)
            settings.write_text(own + LINK.format(port=port), encoding="utf-8")
        box.do(line)


def prove(browser: Client) -> None:
    """Set a second factor up, as the page asks an administrator to."""
    shown = re.search(r'class="secret small">([A-Z2-7 ]+)<', browser.get("/me/second-factor").text)
    assert shown is not None
    plain = shown[1].replace(" ", "")
    secret = base64.b32decode(plain + "=" * (-len(plain) % 8))
    code = code_at(secret, step_at(int(SystemClock().now_utc().timestamp())))
    assert browser.post("/me/second-factor", data={"code": code}).status_code == 200


def enrol_tablet(machine: Machine, browser: Client) -> str:
    """Return what a tablet says that knows the site's own authority, and no other."""
    assert browser.post("/crews", data={"crew_id": "crew-1", "name": "Crew 1"}).status_code == 303
    page = browser.post("/tablets/code", data={"crew": "crew-1"}).text
    code = re.search(r'class="secret">([0-9A-Z-]+)<', page)
    assert code is not None
    data = machine.root / "tablet"
    data.mkdir()
    shutil.copyfile(machine.authority, data / "ca.crt")
    server = str(browser.base_url).rstrip("/")
    place = [sys.executable, "-m", "field_app", "--data", str(data), "--server", server]
    told = [
        subprocess.run([*place, *each], capture_output=True, text=True, timeout=120, check=False)
        for each in (["--headless", "enrol", "--code", code[1]], ["--headless", "sync"])
    ]
    assert [each.returncode for each in told] == [0, 0], [each.stderr for each in told]
    return told[0].stdout


def adopts(browser: Client) -> bool:
    """Adopt the box as soon as it waits; return whether it was there."""
    page = browser.get("/gateways").text
    if "/quarantine/gateway/gw-07/adopt" not in page:
        return False
    return browser.post("/quarantine/gateway/gw-07/adopt").status_code == 200


def shows_reading(browser: Client) -> bool:
    return re.search(r"4[,\s]?800", browser.get("/meters/M-1").text) is not None


@pytest.mark.nightly
@pytest.mark.timeout(900)
def test_the_commands_of_the_handbook_set_a_site_up_and_keep_it(
    machine: Machine, box: Machine, empty_postgres: str
) -> None:
    machine.postgres_url = empty_postgres
    chapters = dict(blocks("operate.md"))
    seen: list[bool] = []
    with MeterServer(units={1: heat_meter(1.5)}) as meter:
        for heading, lines in chapters.items():
            if heading == BOX:
                set_up_box(machine, box, lines, meter.port)
                with machine.browser() as browser:
                    log_in(browser, "engineer")
                    wait_until(lambda: adopts(browser))  # waited for here
                    wait_until(lambda: shows_reading(browser))  # waited for here
                box.stop("lamplighter-gateway")
                continue
            for line in lines:
                machine.do(line)
            if heading.startswith(("Restore", "Move")):
                with machine.browser() as browser:
                    log_in(browser, "engineer")
                    seen.append(shows_reading(browser))
    with machine.browser() as browser:
        log_in(browser, "chief")
        led = browser.get("/accounts").headers["location"]

    assert seen == [True, True]
    assert led.startswith("/me/second-factor")
    assert (machine.root / "var/log/lamplighter/audit.anchors").is_file()


def test_a_site_that_was_set_up_is_served_by_tls_and_asks_its_administrator_for_more(
    machine: Machine,
) -> None:
    install = dict(blocks("operate.md"))["Install the server"]
    for line in install:
        machine.do(line)
    with machine.browser() as browser:
        log_in(browser, "chief")
        led = browser.get("/accounts").headers["location"]
        prove(browser)
        enrolled = enrol_tablet(machine, browser)
        cookie = browser.post("/login", data={"login": "engineer", "password": PASSWORD})

    assert led.startswith("/me/second-factor")
    assert "Secure" in cookie.headers["set-cookie"]
    assert enrolled


def test_both_handbooks_hold_the_same_commands_and_alarms() -> None:
    names = [f"`{each.name}`" for each in RULES]
    for handbook in ("operate.md", "operate.zh-CN.md"):
        said = (DOCS / handbook).read_text(encoding="utf-8")

        assert commands_of(handbook) == commands_of("operate.md")
        assert [name for name in names if f"| {name} |" not in said] == []


def test_every_metric_of_the_rules_and_panels_is_one_of_the_servers() -> None:
    registry = CollectorRegistry()
    IngestMetrics(registry)
    known = {sample.name for family in registry.collect() for sample in family.samples}
    known |= {"lamplighter_ingest_frames_total"}
    asked = [each.expression for each in RULES] + [expression for _, expression in PANELS]
    named = {name for each in asked for name in re.findall(r"lamplighter_\w+", each)}

    assert named - known == set()
    assert len(json.loads(alert_rules())["groups"][0]["rules"]) == len(RULES)
    assert len(json.loads(grafana_page())["panels"]) == len(PANELS)


@pytest.mark.parametrize(
    ("flag", "value", "problem"),
    [
        ("host", "", "is no host name"),
        ("host", "Lamp Example", "is no host name"),
        ("site", 'Bei"cheng', "cannot be written"),
    ],
)
def test_an_answer_that_cannot_be_used_is_named(flag: str, value: str, problem: str) -> None:
    given = {"host": "lamp.example.com", flag: value}

    with pytest.raises(SetUpError, match=f"setup: {flag}: .*{problem}"):
        answers_of(given)


def test_five_questions_are_asked_and_four_have_an_answer_of_their_own() -> None:
    answers = answers_of({"host": "lamp.example.com"})

    assert len(QUESTIONS) == 5
    assert (answers.language, answers.time_zone, answers.database) == ("zh", "Asia/Shanghai", "")


def test_what_was_set_up_is_never_written_over(machine: Machine) -> None:
    setup = next(line for line in commands_of("operate.md") if line.startswith("lamplighter setup"))
    machine.do(setup)
    before = machine.settings.read_bytes()

    with pytest.raises(AssertionError, match="is there already; move it away"):
        machine.do(setup)

    assert machine.settings.read_bytes() == before
