"""The office's forms over real HTTP and in a real browser."""

import io
import re
import zipfile
from collections.abc import Iterator

import pytest
from httpx import Client
from playwright.sync_api import Browser
from sqlalchemy import Engine

from sync_server.access.account_store import list_people
from sync_server.access.roles import Role
from sync_server.db.engine_io import reading
from sync_server.forms.builtin_io import CHECKLISTS
from sync_server.forms.form_store import find_form
from sync_server.work_orders.fact_store import insert_fact
from sync_server.work_orders.order import Fact
from sync_server.work_orders.order_store import create_from_alert
from tests.sync_server.real_parts import NOON, HandClock
from tests.sync_server.web.desk_parts import PASSWORD, Served, add_person, served
from wire_contracts.forms.answer_sets import (
    AnswerSet,
    NoPicture,
    answer_set_json,
    no_picture_text,
)
from wire_contracts.orders import FactType

WELL = (CHECKLISTS / "patrol-well.xlsx").read_bytes()
KEY = "patrol-well@1"


@pytest.fixture
def server(sqlite_engine: Engine, clock: HandClock) -> Iterator[Served]:
    with served(sqlite_engine, clock) as found:
        yield found


@pytest.fixture
def officer(server: Served, sqlite_engine: Engine) -> Iterator[Client]:
    with sqlite_engine.begin() as connection:
        add_person(connection, "quality", Role.QUALITY_OFFICER)
    headers = {"Origin": server.base_url, "Accept": "text/html"}
    with Client(base_url=server.base_url, headers=headers) as client:
        client.post("/login", data={"login": "quality", "password": PASSWORD})
        yield client


def take(client: Client, content: bytes) -> str:
    answer = client.post("/forms", files={"file": ("form.xlsx", content)})
    return answer.headers.get("location", "") or answer.text


def test_a_form_is_taken_and_then_given_to_the_tablets(
    officer: Client, sqlite_engine: Engine
) -> None:
    assert take(officer, WELL) == f"/forms/{KEY}"
    assert "Draft" in officer.get("/forms").text

    officer.post(f"/forms/{KEY}/publish", data={"since": "2026-12-01T06:00"})

    with reading(sqlite_engine) as connection:
        form = find_form(connection, KEY)
    assert form.valid_from_utc is not None
    assert form.valid_from_utc.isoformat() == "2026-11-30T22:00:00+00:00"
    assert "Published" in officer.get("/forms").text


def test_a_withdrawn_form_says_so(officer: Client) -> None:
    take(officer, WELL)
    officer.post(f"/forms/{KEY}/publish")

    officer.post(f"/forms/{KEY}/withdraw")

    assert "Withdrawn" in officer.get("/forms").text


def test_a_moment_that_is_none_is_refused(officer: Client) -> None:
    take(officer, WELL)

    answer = officer.post(f"/forms/{KEY}/publish", data={"since": "soon"})

    assert answer.status_code == 400
    assert "This is not a date and time: soon" in answer.text


def test_a_file_that_is_no_form_is_refused_with_what_to_do(officer: Client) -> None:
    text = take(officer, b"no workbook at all")

    assert "is no XLSX file; save it as Excel workbook (.xlsx)" in text


def test_the_sheet_comes_back_byte_for_byte(officer: Client) -> None:
    take(officer, WELL)

    assert officer.get(f"/forms/{KEY}/sheet").content == WELL


def test_the_preview_asks_what_the_answers_make_relevant(officer: Client) -> None:
    take(officer, WELL)
    fresh = officer.get(f"/forms/{KEY}").text

    answered = officer.post(
        f"/forms/{KEY}",
        data={"reached": "yes", "look/gas_lel_pct": "130"},
        headers={"HX-Request": "true"},
    ).text

    assert "look/gas_lel_pct" not in fresh
    assert "nothing that you answer is kept" in fresh
    assert "0 – 100 % LEL" in answered
    assert "0 to 100 % LEL" in answered
    assert answered.startswith("<form")


def test_the_preview_puts_one_more_into_a_repeat(officer: Client) -> None:
    take(officer, (CHECKLISTS / "cold-room.xlsx").read_bytes())
    data = {"rooms#": "1", "rooms[1]/temp": "16.5", "add": "rooms"}

    text = officer.post("/forms/cold-room@1", data=data, headers={"HX-Request": "true"}).text

    assert 'name="rooms[2]/temp"' in text
    assert 'name="rooms#" value="2"' in text
    assert "Coldest room 16.5 °C" in text


def test_answers_of_a_form_nobody_filled_in_are_a_heading_and_an_empty_archive(
    officer: Client,
) -> None:
    take(officer, WELL)

    table = officer.get("/forms/patrol-well/answers.csv")
    archive = officer.get("/forms/patrol-well/answers.zip")

    assert table.content.startswith(b"\xef\xbb\xbffact_id,form,about,")
    assert zipfile.ZipFile(io.BytesIO(archive.content)).namelist() == []


def test_a_control_room_sees_forms_and_changes_none(server: Served, sqlite_engine: Engine) -> None:
    with sqlite_engine.begin() as connection:
        add_person(connection, "watch", Role.CONTROL_ROOM)
    headers = {"Origin": server.base_url, "Accept": "text/html"}
    with Client(base_url=server.base_url, headers=headers) as client:
        client.post("/login", data={"login": "watch", "password": PASSWORD})

        assert client.get("/forms").status_code == 200
        assert client.post("/forms", files={"file": ("f.xlsx", WELL)}).status_code == 403


def test_the_page_of_an_order_shows_its_checklists_in_the_readers_words(
    alert_ids: dict[str, str], officer: Client, sqlite_engine: Engine
) -> None:
    take(officer, (CHECKLISTS / "leak-gas.xlsx").read_bytes())
    with sqlite_engine.begin() as connection:
        add_person(connection, "leader", Role.TEAM_LEADER)
        who = next(each.account_id for each in list_people(connection) if each.login == "leader")
        alert_id = next(iter(alert_ids.values()))
        order_id = create_from_alert(connection, alert_id, who, None, NOON).order_id
        answers = AnswerSet(
            form="leak-gas@1",
            form_sha256="0" * 64,
            about="work_order",
            about_id=order_id,
            answers={
                "isolate/cordon": "yes",
                "measure/lel_before": "12.5",
                "repair/photo_after": "ab" * 32,
                "relight/customer": no_picture_text(NoPicture.REFUSED),
            },
        )
        insert_fact(
            connection,
            Fact(
                fact_id="fact-1",
                fact_type=FactType.FORM_ANSWERSET,
                order_id=order_id,
                actor="li-wei",
                tablet_id="tablet-1",
                op_id="op-1",
                payload=answer_set_json(answers),
                happened_at_utc=NOON,
                received_at_utc=NOON,
            ),
        )

    english = officer.get(f"/orders/{order_id}").text
    officer.post("/me/language", data={"language": "zh", "back": "/"})
    chinese = officer.get(f"/orders/{order_id}").text

    assert "<h2>Gas leak repair</h2>" in english
    assert '<dt>Cordon set up</dt><dd class="pre">Yes</dd>' in english
    assert "12.5 % LEL" in english
    assert '<dd class="pre">✓</dd>' in english
    assert 'class="chip danger" title="Signature of the customer: not there: refused"' in english
    assert english.count("chip danger") == chinese.count("chip danger") == 1
    assert '<dt>已设警戒</dt><dd class="pre">是</dd>' in chinese


def test_a_form_is_tried_out_in_the_browser_in_chinese(
    server: Served, officer: Client, browser: Browser
) -> None:
    take(officer, (CHECKLISTS / "safety-check.xlsx").read_bytes())
    officer.post("/me/language", data={"language": "zh", "back": "/forms"})
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    cookies = [
        {"name": name, "value": value, "url": server.base_url}
        for name, value in officer.cookies.items()
    ]
    context.add_cookies(cookies)  # type: ignore[arg-type]  # playwright wants its own TypedDict
    page = context.new_page()
    page.goto(f"{server.base_url}/forms/safety-check@1")

    page.get_by_role("radio", name="不合格").first.check()
    page.get_by_text("燃气表：隐患等级").wait_for()
    left = page.get_by_role("status").last.inner_text()

    assert re.fullmatch(r"\d+ 项缺失或有误", left)
    context.close()
