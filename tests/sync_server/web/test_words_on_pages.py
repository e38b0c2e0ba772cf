"""Pages say words where the server has codes, and one English word has not two Chinese meanings."""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
from httpx import Client
from sqlalchemy import Engine

from sync_server.detection import detectors
from sync_server.detection.quality import register_rules
from sync_server.sync.review_store import TEXT as TITLES
from sync_server.sync.self_check import RULES as CHECKS_OF_THE_SERVER
from sync_server.web.catalogue_io import load_catalogues
from sync_server.web.desk_labels import CLOCK_NAMES
from sync_server.web.labels import RULE_WORDS
from sync_server.web.office_labels import MESSAGE_STATES, OUTAGE_STATES
from sync_server.web.review_words import SELF_CHECKS
from tests.sync_server.real_parts import NOON
from tests.sync_server.web.desk_parts import PASSWORD, Served, Spot, add_spot
from wire_contracts.kinds import Kind
from wire_contracts.quantities import Medium

CHINESE = load_catalogues()["zh"]
STANDING = Spot(
    meter_id="IC-00028",
    medium=Medium.GAS,
    kind=Kind.STUCK,
    rule="standstill",
    place=("Ruijing Garden", "瑞景花园"),
    address="",
    value=0.4,
    limit=0.2,
    unit="m³/h",
    hours_ago=2.0,
)


@pytest.fixture
def client(desk: Served) -> Iterator[Client]:
    headers = {"Origin": desk.base_url, "Accept": "text/html"}
    with Client(base_url=desk.base_url, headers=headers, timeout=60) as found:
        found.post("/login", data={"login": "zhou min", "password": PASSWORD})
        found.post("/me/language", data={"language": "zh"})
        yield found


def rules_of_the_server() -> set[str]:
    """Return the name of every detector, read where it is given."""
    found = set(re.findall(r'rule="(\w+)"', Path(register_rules.__file__).read_text()))
    for each in iter_modules(detectors.__path__, f"{detectors.__name__}."):
        rule = getattr(import_module(each.name), "RULE", None)
        if rule is not None:
            found.add(rule)
    return found


def test_every_rule_has_words_of_its_own_in_both_languages() -> None:
    rules = rules_of_the_server()
    english = [RULE_WORDS.get(each, "") for each in rules]
    chinese = [CHINESE.gettext(each) for each in english]

    assert {"floor", "burst", "silence", "stamps"} <= rules
    assert len({*english}) == len({*chinese}) == len(rules)
    assert not {*english} & ({*chinese} | rules)


def test_a_rule_is_said_in_words_beside_its_kind(client: Client, sqlite_engine: Engine) -> None:
    with sqlite_engine.begin() as connection:
        alert_id = add_spot(connection, STANDING, NOON)

    panel = client.get(f"/alerts/{alert_id}/panel").text
    figures = client.get("/figures").text
    found, other = (
        client.get("/alerts/list", params={"tab": "all", "q": each}).text
        for each in ("示数停走", "流量不归零")
    )

    assert "standstill" not in panel + figures
    assert "· 示数停走" in panel
    assert "· 示数停走" in figures
    assert alert_id in found
    assert alert_id not in other


def test_no_two_clocks_are_called_the_same() -> None:
    for names in (CLOCK_NAMES, {code: CHINESE.gettext(CLOCK_NAMES[code]) for code in CLOCK_NAMES}):
        assert len({*names.values()}) == len(names)


def test_words_of_two_places_have_each_place_s_meaning(client: Client) -> None:
    raw = client.get("/meters/WM-204418/raw").text
    away = client.get("/delegations").text

    assert "服务质检" not in raw
    assert "方便联系时间" not in away
    assert CHINESE.gettext(MESSAGE_STATES["sent"]) == "已发送"
    assert CHINESE.gettext(OUTAGE_STATES["ended"]) == "已结束"


def test_chinese_sentences_have_chinese_punctuation() -> None:
    half = re.compile(r"[\u4e00-\u9fff][,;:!?](?!\d)")
    catalogue: dict[object, str] = CHINESE._catalog  # type: ignore[attr-defined]  # its table of texts
    titles = [text.zh for text in TITLES.values()]

    assert [text for text in (*catalogue.values(), *titles) if half.search(text)] == []


def test_every_rule_of_the_servers_own_check_is_said_in_words() -> None:
    assert SELF_CHECKS.keys() == CHECKS_OF_THE_SERVER.keys()


@pytest.mark.parametrize(
    "path",
    [
        "/meters/WM-204418/raw",
        "/balances",
        "/balances?month=2026-09",
        "/figures",
        "/figures?period=2026-W40",
        "/exports",
        "/orders",
        "/shift",
        "/delegations",
        "/review",
    ],
)
def test_a_key_that_a_page_prints_below_does_something_on_it(client: Client, path: str) -> None:
    page = client.get(path).text
    footer = page[page.index("<footer") : page.index("</footer>")]
    below = re.sub(r"<span data-rowkeys hidden>.*?</span>", "", footer)  # shown beside rows alone
    heard = {*re.findall(r'data-(?:focus-)?key="([^"]+)"', page)}
    of_every_list = {"j", "k", "?", "/"}

    assert {*re.findall(r"<kbd>([^<]+)</kbd>", below)} - heard - of_every_list == set()
