"""The page of the gateways says how they are; where nothing was said it says nothing."""

from datetime import timedelta

import pytest
from httpx import Client
from sqlalchemy import Engine

from sync_server.gateways.health_store import note_health
from sync_server.web.gateway_views import health_view
from sync_server.web.words import Words
from tests.sync_server.real_parts import NOON
from tests.sync_server.web.desk_parts import PASSWORD, Served
from wire_contracts.gateway_health import (
    GatewayHealth,
    LinkHealth,
    QueueHealth,
    SettingsHealth,
    UplinkHealth,
)


def line(name: str, load: float | None, *suspects: str) -> LinkHealth:
    return LinkHealth(
        name=name,
        is_open=True,
        requests=0,
        timeouts=0,
        exceptions=0,
        mismatches=0,
        reopens=0,
        frames=0,
        skipped=0,
        suspects=suspects,
        load=load,
        late_answers=len(suspects),
        probes=600,
    )


def health(
    gateway_id: str, *, is_on_trial: bool = False, revision: int = 4, late: int | None = 12
) -> GatewayHealth:
    return GatewayHealth(
        gateway_id=gateway_id,
        at_utc=NOON,
        queue=QueueHealth(
            epoch=1,
            last_seq=9,
            open_count=2,
            open_bytes=8,
            kept_count=0,
            kept_bytes=0,
            oldest_at_utc=NOON - timedelta(minutes=12),
        ),
        uplink=UplinkHealth(published=400, republished=0, acknowledged=0, refused=0, late=late),
        links=[line("a", 0.46, "HM-2"), line("b", 0.93, "HM-1"), line("c", None)],
        settings=SettingsHealth(revision=revision, is_on_trial=is_on_trial),
    )


def english() -> Words:
    return Words(
        language="en",
        zone=NOON.tzinfo or NOON.astimezone().tzinfo,  # type: ignore[arg-type]  # NOON is aware
        gettext=lambda text: text,
        ngettext=lambda one, _many, _count: one,
    )


def test_the_busiest_line_the_oldest_frame_and_the_silent_meters_are_shown() -> None:
    view = health_view(health("gw-07"), english(), NOON + timedelta(minutes=3))

    assert (view.waiting, view.load, view.is_busy) == ("15 m", "93 %", True)
    assert (view.silent_count, view.silent_names) == (2, "HM-1, HM-2")
    assert (view.late, view.late_answers, view.probes) == ("3 %", 2, "1800 probes")
    assert view.settings == "revision 4"


@pytest.mark.parametrize(("late", "shown"), [(None, ""), (0, "0 %"), (1, "< 1 %"), (400, "100 %")])
def test_what_came_late_is_a_share_that_is_never_rounded_to_none(
    late: int | None, shown: str
) -> None:
    assert health_view(health("gw-07", late=late), english(), NOON).late == shown


def test_a_trial_and_the_own_file_are_named() -> None:
    trial = health_view(health("gw-07", is_on_trial=True), english(), NOON)
    own = health_view(health("gw-07", revision=0), english(), NOON)

    assert trial.settings == "revision 4, on trial"
    assert own.settings == "own file"


@pytest.mark.parametrize(
    ("language", "settings"), [("en", "revision 4, on trial"), ("zh", "第 4 版，试运行")]
)
def test_the_page_shows_it_to_those_who_may_see_gateways(
    desk: Served, sqlite_engine: Engine, language: str, settings: str
) -> None:
    headers = {"Origin": desk.base_url, "Accept": "text/html"}
    with Client(base_url=desk.base_url, headers=headers) as operator:
        operator.post("/login", data={"login": "zhou min", "password": PASSWORD})
        operator.post("/me/language", data={"language": language, "back": "/gateways"})
        before = operator.get("/gateways").text
        with sqlite_engine.begin() as connection:
            note_health(connection, health("gw-07", is_on_trial=True), NOON)
        after = operator.get("/gateways").text

    assert settings not in before
    assert settings in after
    assert 'title="HM-1, HM-2"' in after
    assert "3 %" in after
    assert "93 %" in after
