"""The command line of the server: version, where the settings are, and the audit chain."""

import sqlite3
import tomllib
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import update

from sync_server.__main__ import main
from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.clock_io import SystemClock
from sync_server.db.access_tables import AUDIT_EVENT
from sync_server.db.engine_io import open_engine
from sync_server.db.migrate_io import migrate

PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


def test_the_version_is_that_of_the_product(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    product = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["version"]
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"sync-server {product}\n"


@pytest.mark.parametrize("is_before", [True, False])
def test_the_settings_may_stand_before_the_command_or_behind_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, is_before: bool
) -> None:
    settings = tmp_path / "server.toml"
    settings.write_text('[server]\ndata = "here"\n')
    (tmp_path / "here").mkdir()
    place = ["--config", str(settings)]

    status = main([*place, "verify-audit"] if is_before else ["verify-audit", *place])

    assert (status, capsys.readouterr().out) == (0, "0 events, the chain is whole\n")
    assert (tmp_path / "here" / "server.sqlite3").is_file()


def test_a_changed_audit_event_is_named_and_ends_with_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'server.sqlite3'}")
    migrate(engine)
    with engine.begin() as connection:
        for subject in ("t-1", "t-2", "t-3"):
            event = AuditEvent(actor="a-1", action="tablet.revoke", subject=subject, detail={})
            append_audit(connection, event, SystemClock().now_utc())
    whole = main(["verify-audit", "--data", str(tmp_path)])
    with engine.begin() as connection:
        changed = update(AUDIT_EVENT).where(AUDIT_EVENT.c.position == 2)
        connection.execute(changed.values(subject="t-9"))
    engine.dispose()

    broken = main(["verify-audit", "--data", str(tmp_path)])

    said = capsys.readouterr()
    assert (whole, broken) == (0, 1)
    assert said.out == "3 events, the chain is whole\n"
    assert said.err.startswith("audit: event 2: does not fit the chain; keep this database")


def test_an_operator_checks_the_sync_and_looks_after_the_keys(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--data", str(tmp_path)]

    statuses = [main([*place, *words]) for words in (
        ["check-sync"], ["sealing-keys", "rotate"], ["sealing-keys", "rotate"],
        ["sealing-keys", "list"], ["sealing-keys", "open"],
    )]  # fmt: skip
    lines = capsys.readouterr().out.splitlines()

    assert statuses == [0] * 5
    assert lines[0] == "8 rules, everything fits together"
    rotated = [line.partition(":")[0] for line in lines[1:3]]
    assert lines[3:] == [*rotated, "0 sealed things were opened"]
    assert len(set(rotated)) == 2


def test_a_sum_that_was_changed_is_named_and_ends_with_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["check-sync", "--data", str(tmp_path)])
    with closing(sqlite3.connect(tmp_path / "server.sqlite3")) as database, database:
        database.execute("INSERT INTO bucket_sum VALUES ('crew:1', 1, 5)")
    capsys.readouterr()

    status = main(["check-sync", "--data", str(tmp_path)])

    said = capsys.readouterr()
    assert status == 1
    assert said.out == "bucket sums: crew:1\n"
    assert "1 things do not fit together; keep this database" in said.err


@pytest.mark.parametrize(
    "words", [["--order", "WO-000009"], ["--customer", "Chen", "139"], ["--account", "nobody"]]
)
def test_erasing_somebody_who_is_not_there_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    status = main(["erase-person", "--data", str(tmp_path), *words])

    assert status == 1
    assert "does not exist" in capsys.readouterr().err


def test_a_backup_has_the_sealing_keys_beside_it_and_a_restore_puts_them_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here, elsewhere = ["--data", str(tmp_path / "a")], ["--data", str(tmp_path / "b")]
    copy = tmp_path / "copies" / "server.sqlite3"
    for folder in (copy.parent, tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
    main(["sealing-keys", "rotate", *here])
    main(["check-sync", *elsewhere])

    statuses = [main(["backup", str(copy), *here]), main(["restore", str(copy), *elsewhere])]
    capsys.readouterr()
    main(["sealing-keys", "list", *here])
    main(["sealing-keys", "list", *elsewhere])

    first, second = capsys.readouterr().out.splitlines()
    assert (statuses, first) == ([0, 0], second)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*.pem")} == {0o600}
