"""Every released file opens in the present app; nothing of the crew is lost on the way there."""

import re
import stat
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from field_app.crew import HeadlessCrew
from field_app.store import outbox_store
from field_app.store.database_io import Database, StoreTooNewError, open_database
from field_app.store.identity_io import save_identity
from field_app.store.record_states import OpStatus
from field_app.store.schema_steps import STEPS, Step
from field_app.store.settings_store import Key, save
from field_app.store.tables import outbox_op
from field_app.sync.reasons import Reason
from field_app.tablet import STORE_FILE
from sync_server.db.sync_tables import OP_LEDGER
from tests.field_app.frozen_stores import FROZEN, shape_of, thaw, words_in
from tests.field_app.office_parts import Office

ROOT = Path(__file__).parents[2]
OF_THE_CREW = ("outbox_op", "draft_answer", "photo_job", "photo_link", "sealed_item")
HARMLESS = re.compile(r"^(ALTER TABLE \w+ ADD COLUMN|CREATE (UNIQUE )?INDEX|CREATE TABLE)\s")


def run_child(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.field_app.migrate_until", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )


def harmful(steps: Sequence[Step]) -> list[str]:
    """Return the statements that do more to the crew's tables than to add to them."""
    return [
        statement
        for step in steps
        for statement in step
        if any(re.search(rf"\b{name}\b", statement) for name in OF_THE_CREW)
        and not HARMLESS.match(statement.strip())
    ]


def test_there_is_a_frozen_file_of_every_schema_before_the_present_one() -> None:
    versions = {int(re.sub(r"\D", "", each.name.partition(".")[0])) for each in FROZEN}

    assert versions >= set(range(1, len(STEPS)))


@pytest.mark.parametrize("frozen", FROZEN, ids=lambda each: each.name)
def test_the_words_of_a_released_file_are_all_there_and_reach_the_server(
    frozen: Path, tmp_path: Path, office: Office
) -> None:
    folder = tmp_path / "tablet"
    before = words_in(thaw(frozen, folder / STORE_FILE))
    save_identity(folder, office.identity())

    crew = HeadlessCrew(folder, office.clock, connect=lambda _identity: office.api())
    with closing(crew):
        after = words_in(folder / STORE_FILE)
        statuses = set(crew.tablet.database.read(entry_statuses))
        verdict = crew.sync_now()
        left = crew.status().outbox

    assert after == before
    assert statuses <= set(OpStatus) - {OpStatus.SENDING, OpStatus.HELD}
    assert (verdict.reason, left.waiting, left.held) == (Reason.NONE, 0, 0)
    with office.engine.begin() as connection:
        known = set(connection.execute(select(OP_LEDGER.c.op_id)).scalars())
    assert known >= {str(row[0]) for row in before["outbox_op"]}


def entry_statuses(connection: Connection) -> list[OpStatus]:
    return [e.status for e in outbox_store.load_entries(connection, outbox_op.c.n > 0)]


@pytest.mark.parametrize("frozen", FROZEN, ids=lambda each: each.name)
def test_a_kill_before_any_statement_of_the_migration_loses_nothing(
    frozen: Path, tmp_path: Path
) -> None:
    original = thaw(frozen, tmp_path / "original.sqlite3")
    version, shape = shape_of(original)
    words = words_in(original)
    killed = tmp_path / "killed"
    killed.mkdir()

    points = int(run_child("kill", str(original), str(killed)).stdout)

    files = sorted(killed.glob("*.sqlite3"))
    assert points == len(files) > len(STEPS[-1])
    for each in files:
        found, content = shape_of(each)
        assert found in range(version, len(STEPS) + 1)
        assert found > version or content == shape
        Database(each).close()
        assert (shape_of(each)[0], words_in(each)) == (len(STEPS), words)


@pytest.mark.parametrize("frozen", FROZEN, ids=lambda each: each.name)
def test_a_full_disk_leaves_the_file_as_it_is_and_says_what_to_do(
    frozen: Path, tmp_path: Path
) -> None:
    path = thaw(frozen, tmp_path / STORE_FILE)
    before = shape_of(path)

    done = run_child("full", str(path), str(path.stat().st_size // 2))

    assert done.stdout.strip() == "2"
    assert "the disk is full; free 1 MB and start again, nothing was changed" in done.stderr
    assert shape_of(path) == before
    assert list(tmp_path.glob("*.v*")) == []


def test_a_newer_file_is_refused_with_words_and_without_a_copy(tmp_path: Path) -> None:
    path = thaw(FROZEN[-1], tmp_path / STORE_FILE)

    with pytest.raises(StoreTooNewError, match="install the newer app, the file is left as it is"):
        Database(path, steps=())

    assert [each.name for each in tmp_path.glob("*.v*")] == []


def test_the_steps_only_ever_add_to_what_belongs_to_the_crew() -> None:
    assert harmful(STEPS[1:]) == []


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE outbox_op",
        "ALTER TABLE outbox_op DROP COLUMN look",
        "ALTER TABLE draft_answer RENAME TO draft",
        "DELETE FROM photo_job WHERE is_done = 1",
        "UPDATE draft_answer SET value = ''",
        "INSERT INTO sealed_item SELECT * FROM outbox_op",
    ],
)
def test_a_step_that_takes_something_from_the_crew_is_found(statement: str) -> None:
    assert harmful([[statement]]) == [statement]


def test_the_file_its_log_and_its_copies_are_nobody_elses(tmp_path: Path) -> None:
    old, new = tmp_path / "old" / STORE_FILE, tmp_path / "new" / STORE_FILE
    old.parent.mkdir()
    thaw(FROZEN[0], old)
    old.chmod(0o644)

    for path in (old, new):
        with closing(open_database(path).database) as database:
            database.write(lambda connection: save(connection, Key.LANGUAGE, "en"))
            found = sorted(path.parent.iterdir())
            modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in found}

            assert modes == dict.fromkeys(modes, 0o600)
            assert f"{STORE_FILE}-wal" in modes
