"""A form that was filled in wrongly says which field, what is wrong and what to do, in words."""

import re
from collections.abc import Iterator, Mapping
from html import unescape

import pytest
from httpx import Client
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError
from sqlalchemy import Engine

from sync_server.access.roles import Action
from sync_server.web.app_io import build_app
from sync_server.web.form_refusals import form_refusals
from sync_server.web.refusal_names import ACTIONS, FIELDS
from sync_server.web.refusal_words import refusal_text
from tests.sync_server.real_parts import HandClock
from tests.sync_server.web.desk_parts import PASSWORD, Served
from tests.sync_server.web.test_refusal_words import words_in

OF_MACHINES = ("/sync/", "/open311/", "/calls/")


@pytest.fixture
def client(desk: Served) -> Iterator[Client]:
    headers = {"Origin": desk.base_url, "Accept": "text/html"}
    with Client(base_url=desk.base_url, headers=headers, timeout=60) as found:
        found.post("/login", data={"login": "zhou min", "password": PASSWORD})
        found.post("/me/language", data={"language": "zh"})
        yield found


def said(text: str) -> str:
    """Return what a page says in its middle."""
    main = text[text.index("<main") : text.index("</main>")]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())


@pytest.mark.parametrize(
    ("path", "form", "wanted"),
    [
        ("/paper", {"slip": "x"}, ["单号：'x' 不是整数；只填数字", "日期和时间：缺少；请填写"]),
        ("/paper/print", {"count": "100000"}, ["张数：'100000' 大于"]),
        ("/incidents", {"title": "长" * 201}, ["标题：超过 200 个字；请缩短"]),
        ("/alerts/nothing/shelve", {"minutes": "-1"}, ["时长：'-1' 小于 1；填 1 或以上"]),
        ("/suspects/make", {"month": "10"}, ["月份：'10' 格式不对；按示例填写"]),
        ("/delegations", {"contact": "1"}, ["开始：缺少；请填写", "截止：缺少；请填写"]),
        ("/shift/control_room/entry", {}, ["内容：缺少；请填写"]),
    ],
)
def test_a_wrong_form_says_field_problem_and_remedy(
    client: Client, path: str, form: Mapping[str, str], wanted: list[str]
) -> None:
    answer = client.post(path, data=form)
    text = said(answer.text)

    assert answer.status_code == 400
    assert text.startswith("未保存")
    assert [each for each in wanted if each not in text] == []
    assert "data-back" in answer.text
    assert not re.search(r"body\.|Input should|Field required|[a-z]+_[a-z]+", text)


@pytest.mark.parametrize(
    ("path", "status", "wanted"),
    [
        ("/nothing/here", 404, "此地址没有内容"),
        ("/incidents/NOPE", 404, "此地址没有内容"),
        ("/paper/print", 405, "此地址没有内容"),
        ("/orders/NOPE", 404, "工单：不存在；刷新列表后重选"),
        ("/meters/NOPE", 404, "没有这块表计"),
        ("/requests/NOPE", 404, "请求：不存在；刷新列表后重选"),
    ],
)
def test_an_address_that_leads_nowhere_says_so_in_the_readers_words(
    client: Client, path: str, status: int, wanted: str
) -> None:
    answer = client.get(path)

    assert answer.status_code == status
    assert wanted in said(answer.text)
    assert "data-back" not in answer.text


def test_a_page_that_answers_a_form_leads_back_to_where_the_form_stood(client: Client) -> None:
    came_from = f"{client.base_url}/shift?desk=service"
    pages = [
        client.post("/shift/control_room/entry", data={}, headers={"Referer": each}).text
        for each in (came_from, "http://elsewhere.example/shift", "")
    ]

    backs = [{*re.findall(r'name="back" value="([^"]*)"', each)} for each in pages]
    assert backs == [{"/shift?desk=service"}, {"/"}, {"/"}]


def test_a_second_acknowledgement_from_another_tab_is_refused_in_words(
    client: Client, alert_ids: Mapping[str, str]
) -> None:
    path = f"/alerts/{alert_ids['HM-100877']}/acknowledge"
    answer = client.post(path, data={})

    assert answer.status_code == 409
    assert "告警处于“已确认”，不能执行“确认”；现在可以：自行恢复" in answer.text
    assert "cannot" not in answer.text


def test_what_a_role_may_not_do_is_said_in_words(client: Client) -> None:
    answer = client.get("/audit")

    assert answer.status_code == 403
    assert "调度中心无权执行 查看审计" in said(answer.text)


def test_every_action_and_every_field_of_a_form_has_a_word(sqlite_engine: Engine) -> None:
    described = build_app(sqlite_engine, HandClock()).openapi()
    parts = described["components"]["schemas"]
    fields: set[str] = set()
    for path, ways in described["paths"].items():
        bodies = [way.get("requestBody", {}).get("content", {}) for way in ways.values()]
        if path.startswith(OF_MACHINES):
            continue
        for kind, body in (pair for each in bodies for pair in each.items()):
            if kind != "application/json":
                fields |= {*parts[body["schema"]["$ref"].rpartition("/")[2]]["properties"]}
    unnamed = {each for each in fields if each not in FIELDS}

    assert len(fields) > 100
    assert unnamed == set()
    assert {*ACTIONS} == {*Action}


class Form(BaseModel):
    """What forms ask for."""

    count: int
    share: float
    is_major: bool


@given(values=st.fixed_dictionaries({}, optional=dict.fromkeys(Form.model_fields, st.text())))
def test_whatever_is_typed_is_refused_in_chinese_by_field(values: dict[str, str]) -> None:
    chinese = words_in("zh")
    try:
        Form.model_validate(values)
    except ValidationError as wrong:
        for told in form_refusals([dict(each) for each in wrong.errors()]):
            text = refusal_text(told.replace("\n", " "), chinese)
            field = told.split(": ")[1]
            name = chinese.gettext(FIELDS[field]) if field in FIELDS else field
            assert text.startswith(f"{name}：")
            assert re.search(r"；[^；]*[\u4e00-\u9fff]$", text)
