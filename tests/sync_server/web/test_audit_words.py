"""Every action that the audit can hold is called by a word in both languages."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from html import unescape
from pathlib import Path

from httpx import Client
from sqlalchemy import Engine

import sync_server
from sync_server.access.account_store import Crew, create_crew
from sync_server.access.roles import Role
from sync_server.access.tablet_store import enrol_tablet, issue_enrolment_code
from sync_server.aftercare.opinions import OpinionEvent
from sync_server.aftercare.visits import VisitEvent
from sync_server.complaints.complaint import ComplaintEvent
from sync_server.complaints.penalties import PenaltyState
from sync_server.exports.export_request import ExportState
from sync_server.forms.form_store import VersionState
from sync_server.households.home_file import BuildingEvent, ChangeState
from sync_server.outages.interruption import OutageEvent
from sync_server.plant.plant import PlantEvent
from sync_server.web.audit_words import ACTION_WORDS
from sync_server.web.catalogue_io import load_catalogues
from sync_server.web.vans_io import Change
from tests.sync_server.real_parts import NOON, HandClock
from tests.sync_server.web.desk_parts import PASSWORD, add_person, served
from wire_contracts.enrolment import EnrolRequest

SOURCE = Path(sync_server.__file__).parent

FAMILIES: Mapping[str, type[StrEnum]] = {
    "building.": BuildingEvent,
    "complaint.": ComplaintEvent,
    "export.": ExportState,
    "form.": VersionState,
    "home.": ChangeState,
    "interruption.": OutageEvent,
    "opinion.": OpinionEvent,
    "penalty.": PenaltyState,
    "plant.": PlantEvent,
    "van.detector.": Change,
    "van.part.": Change,
    "visit.": VisitEvent,
}
"""Beginning of an action that a life cycle ends -> what it may end with."""


def modules_that_append() -> Iterator[ast.Module]:
    for path in sorted(SOURCE.rglob("*.py")):
        if "node_modules" in path.parts:
            continue
        text = path.read_text(encoding="utf-8")
        if "append_audit" in text or "AuditEvent" in text:
            yield ast.parse(text)


def places_of_action(module: ast.Module) -> Mapping[str, int]:
    """Return function of the module -> which of its arguments is the action it appends."""
    found = {}
    for each in ast.walk(module):
        if isinstance(each, ast.FunctionDef):
            names = [argument.arg for argument in each.args.args if argument.arg != "self"]
            if "action" in names:
                found[each.name] = names.index("action")
    return found


def action_arguments(module: ast.Module) -> Iterator[ast.expr]:
    places = places_of_action(module)
    for each in ast.walk(module):
        if not isinstance(each, ast.Call):
            continue
        name = each.func.attr if isinstance(each.func, ast.Attribute) else ast.unparse(each.func)
        if name == "AuditEvent":
            yield from (word.value for word in each.keywords if word.arg == "action")
        elif name in places:
            yield each.args[places[name]]


def actions_of(argument: ast.expr, constants: Mapping[str, str]) -> Iterable[str]:
    if isinstance(argument, ast.Constant):
        return [str(argument.value)]
    if isinstance(argument, ast.JoinedStr):
        first = argument.values[0]
        assert isinstance(first, ast.Constant), f"{ast.unparse(argument)} begins with no word"
        family = str(first.value)
        return [f"{family}{end}" for end in FAMILIES[family]]
    name = ast.unparse(argument)
    return [constants[name]] if name in constants else []


def constants_of(module: ast.Module) -> Mapping[str, str]:
    return {
        ast.unparse(each.targets[0]): str(each.value.value)
        for each in module.body
        if isinstance(each, ast.Assign) and isinstance(each.value, ast.Constant)
    }


def actions_in_source() -> set[str]:
    return {
        action
        for module in modules_that_append()
        for argument in action_arguments(module)
        for action in actions_of(argument, constants_of(module))
    }


def test_every_action_that_a_module_appends_has_a_word_and_no_word_is_left_over() -> None:
    assert set(ACTION_WORDS) == actions_in_source()


def test_two_actions_are_never_called_alike() -> None:
    chinese = load_catalogues()["zh"]
    words = [*ACTION_WORDS.values()]
    in_chinese = [chinese.gettext(each) for each in words]

    assert len(set(words)) == len(words)
    assert len(set(in_chinese)) == len(in_chinese)


def test_the_page_says_what_was_done_with_its_code_in_the_tooltip(
    sqlite_engine: Engine, clock: HandClock
) -> None:
    with sqlite_engine.begin() as connection:
        add_person(connection, "boss", Role.DIRECTOR)
    with (
        served(sqlite_engine, clock) as server,
        Client(base_url=server.base_url, headers={"Origin": server.base_url}) as boss,
    ):
        boss.post("/login", data={"login": "boss", "password": PASSWORD})
        english = boss.get("/audit").text
        boss.post("/me/language", data={"language": "zh"})
        chinese = boss.get("/audit").text

    assert 'title="session.open">Logged in</td>' in english
    assert 'title="session.open">登录</td>' in chinese


def test_who_and_what_an_event_names_by_id_is_called_by_name(
    sqlite_engine: Engine, clock: HandClock
) -> None:
    with sqlite_engine.begin() as connection:
        add_person(connection, "boss", Role.DIRECTOR)
        add_person(connection, "zhou", Role.CONTROL_ROOM)
        create_crew(connection, Crew(crew_id="crew-7", name="抢修七班"), NOON)
        code = issue_enrolment_code(connection, "crew-7", "rule:x", NOON).code
        enrol_tablet(connection, EnrolRequest(code=code, name="old tablet"), NOON)
    with (
        served(sqlite_engine, clock) as server,
        Client(base_url=server.base_url, headers={"Origin": server.base_url}) as boss,
    ):
        boss.post("/login", data={"login": "zhou", "password": PASSWORD})
        boss.get("/audit")
        boss.post("/login", data={"login": "boss", "password": PASSWORD})
        page = unescape(boss.get("/audit").text)

    assert '<td class="nw b">old tablet</td>' in page
    assert '<td class="nw b">automatic rule</td>' in page
    assert '<td title="{"crew":"crew-7"}">crew 抢修七班</td>' in page
    assert '<td title="{"role":"control_room"}">role Control room</td>' in page
