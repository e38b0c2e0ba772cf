"""Anchors outside the database show a chain that was rewritten as a whole."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, update

from sync_server.__main__ import main
from sync_server.access.audit_store import GENESIS, AuditEvent, append_audit, verify_audit
from sync_server.db.access_tables import AUDIT_EVENT, AUDIT_HEAD
from sync_server.db.engine_io import reading
from sync_server.safekeeping.anchors_io import (
    AnchorError,
    append_anchor,
    check_anchors,
    load_anchors,
)
from tests.sync_server.real_parts import HandClock


def act(engine: Engine, clock: HandClock, *actions: str) -> None:
    with engine.begin() as connection:
        for action in actions:
            event = AuditEvent(actor="somebody", action=action, subject="it", detail={})
            append_audit(connection, event, clock.now_utc())


def rewrite(engine: Engine, clock: HandClock, *actions: str) -> None:
    """Do what somebody with the database could: another history, whole in itself."""
    with engine.begin() as connection:
        connection.execute(delete(AUDIT_EVENT))
        connection.execute(update(AUDIT_HEAD).values(position=0, event_hash=GENESIS))
    act(engine, clock, *actions)


def test_a_history_that_was_rewritten_whole_does_not_fit_its_anchor(
    sqlite_engine: Engine, clock: HandClock, tmp_path: Path
) -> None:
    path = tmp_path / "audit.anchors"
    act(sqlite_engine, clock, "a", "b")
    is_noted = append_anchor(sqlite_engine, path, clock.now_utc())
    act(sqlite_engine, clock, "c")
    with reading(sqlite_engine) as connection:
        fitting = check_anchors(connection, path)

    rewrite(sqlite_engine, clock, "a", "x", "c")

    assert (is_noted, fitting) == (True, 1)
    with reading(sqlite_engine) as connection:
        assert verify_audit(connection).is_whole
        with pytest.raises(AnchorError, match=r"line 1: event 2 was another one at 20"):
            check_anchors(connection, path)


def test_an_anchor_is_noted_only_when_something_was_done(
    sqlite_engine: Engine, clock: HandClock, tmp_path: Path
) -> None:
    path = tmp_path / "audit.anchors"
    noted = [append_anchor(sqlite_engine, path, clock.now_utc())]
    act(sqlite_engine, clock, "a")
    noted += [append_anchor(sqlite_engine, path, clock.now_utc()) for _ in range(2)]

    assert noted == [False, True, False]
    assert [each.position for each in load_anchors(path)] == [1]


def test_the_command_compares_the_anchors_and_names_a_line_that_is_none(
    sqlite_engine: Engine,
    clock: HandClock,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    act(sqlite_engine, clock, "a")
    path = tmp_path / "audit.anchors"
    append_anchor(sqlite_engine, path, clock.now_utc())
    config = tmp_path / "server.toml"
    config.write_text(
        f'[database]\nurl = "{sqlite_engine.url}"\n[audit]\nanchor_file = "audit.anchors"\n'
    )

    good = main(["verify-audit", "--config", str(config)])
    path.write_text("nothing\n")
    bad = main(["verify-audit", "--config", str(config)])

    told = capsys.readouterr()
    assert (good, bad) == (0, 1)
    assert "1 anchors in" in told.out
    assert "line 1: is no anchor; compare the file" in told.err
