"""Refusals on a page are in the reader's language, those of imported rows too."""

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_server.assets.assets import AssetError
from sync_server.assets.import_io import COLUMNS as METER_COLUMNS
from sync_server.assets.import_io import parse_meter
from sync_server.customers.import_io import COLUMNS as HOME_COLUMNS
from sync_server.customers.import_io import parse_home
from sync_server.sales.sale_rows import BILL_COLUMNS, SALE_COLUMNS, RowError, parse_bill, parse_sale
from sync_server.web.catalogue_io import load_catalogues
from sync_server.web.refusal_words import is_known, refusal_text
from sync_server.web.words import Words
from tests.sync_server.service_desk.desk_town import SHANGHAI

ROOT = Path(__file__).parents[3] / "sync_server"
OFFICE = (
    "service_desk",
    "complaints",
    "aftercare",
    "households",
    "shifts",
    "outages",
    "hall",
    "staff",
    "plant",
    "exports",
    "imports",
    "sales",
    "access",
    "work_orders",
    "alerts",
    "vans",
    "patrols",
    "forms",
    "gateways",
    "assets",
    "customers",
    "suspects",
    "balances",
    "ledgers",
    "web",
)
HAN = re.compile(r"[\u4e00-\u9fff]")
VALUES = st.one_of(
    st.sampled_from(
        ["", "gas", "yes", "7", "2026-11-02", "2026-11", "resident", "card", "'; x: y"]
    ),
    st.text(max_size=70),
)


def words_in(language: str) -> Words:
    catalogue = load_catalogues()[language]
    return Words(
        language=language,
        zone=SHANGHAI,
        gettext=catalogue.gettext,
        ngettext=catalogue.ngettext,
    )


@pytest.fixture(scope="module")
def chinese() -> Words:
    return words_in("zh")


def row_of(columns: tuple[str, ...], values: st.DataObject) -> dict[str, str]:
    return {name: values.draw(VALUES) for name in columns}


CHINESE = words_in("zh")
KINDS: list[tuple[Callable[[Mapping[str, str]], object], tuple[str, ...]]] = [
    (lambda row: parse_home("this row", row), HOME_COLUMNS),
    (lambda row: parse_meter("this row", row), METER_COLUMNS),
    (parse_sale, SALE_COLUMNS),
    (parse_bill, BILL_COLUMNS),
]


@given(values=st.data())
def test_whatever_is_wrong_with_an_imported_row_is_said_in_chinese(values: st.DataObject) -> None:
    parse, columns = values.draw(st.sampled_from(KINDS))
    try:
        parse(row_of(columns, values))
    except (AssetError, RowError) as problem:
        text = str(problem).removeprefix("this row: ")
        said = refusal_text(text, CHINESE)
        column = text.partition(":")[0]
        assert said.startswith(f"{column}：")
        assert "不能使用；" in said
        assert HAN.search(said.rpartition("；")[2])


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (
            "meter_ids: 'M-9' is not known; import the meters first",
            "meter_ids：'M-9' 未登记；先导入表计",
        ),
        (
            "sale_id: 'S-1' is in row 4 too; leave one of them out",
            "sale_id：'S-1' 在第 4 行已出现；删去其中一行",
        ),
        (
            "change: decider: proposed it; let somebody else decide: four eyes",
            "决定人：本人提出的；须由他人决定（双人复核）",
        ),
        ("export: state: is asked already; reload the page", "状态：已是“asked”；刷新页面"),
        (
            "cannot finish a service request that is dispatched; possible now: accept, bounce",
            "请求处于“已派单”，不能执行“已完成”；现在可以：接单、退单",
        ),
        (
            (
                "log-in: password: log-in name and password do not fit; check both; "
                "an administrator can set a new password"
            ),
            "密码：登录名或密码不正确；请核对，管理员可重设密码",
        ),
        (
            'work order "it\'s 7": order: does not exist; reload the list and choose again',
            "工单：不存在；刷新列表后重选",
        ),
        (
            "cannot acknowledge an alert that is acknowledged; possible now: nothing",
            "告警处于“已确认”，不能执行“确认”；现在可以：没有可执行的操作",
        ),
        (
            "file: is no XLSX file; save it as Excel workbook (.xlsx)",
            "file：不是 XLSX 文件；另存为 Excel 工作簿（.xlsx）",
        ),
        (
            (
                "intake: danger: may be told by 'smell'; ask the caller: "
                "choose the class of the danger, or say that there is none"
            ),
            "险情：'smell' 可能是险情；请问来电人：选择险情类别，或说明没有险情",
        ),
        ("what no table holds stays as it is", "what no table holds stays as it is"),
    ],
)
def test_a_refusal_is_said_in_the_readers_words(chinese: Words, raised: str, said: str) -> None:
    assert refusal_text(raised, chinese) == said
    assert refusal_text(raised, words_in("en")) == raised


def texts_of(node: ast.expr) -> Iterator[str]:
    """Yield what a text may be, with a value in place of each hole."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        pieces = [each.value if isinstance(each, ast.Constant) else "x" for each in node.values]
        yield "".join(str(each) for each in pieces)


def raised_in(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", "")
        if name == "ContractError":
            for keyword in node.keywords:
                if keyword.arg in {"problem", "remedy"}:
                    yield from texts_of(keyword.value)
        elif name == "_refused":
            for argument in node.args[1:]:
                yield from texts_of(argument)


@pytest.mark.parametrize("room", OFFICE)
def test_every_problem_and_remedy_that_the_office_raises_is_in_the_table(room: str) -> None:
    raised = {text for path in (ROOT / room).glob("*.py") for text in raised_in(path)}

    assert {each for each in raised if " " in each and not is_known(each)} == set()
