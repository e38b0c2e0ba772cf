"""kill -9 while a crew records a finding: what was said to be kept is kept."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from field_app.store import base_store, draft_store
from field_app.store.database_io import Database
from field_app.store.draft_store import DraftKey
from field_app.tablet import STORE_FILE
from wire_contracts.orders import FINDING_FORM

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("answers", [1, 7, 40])
def test_every_answer_that_was_kept_survives_a_kill(tmp_path: Path, answers: int) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.field_app.crash_child", str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    said = 0
    while said < answers:
        said = int(child.stdout.readline())
    child.kill()
    rest = child.stdout.read()
    child.stdout.close()
    child.wait(10)
    said = int(rest.split()[-1]) if rest.split() and rest.endswith("\n") else said

    with closing(Database(tmp_path / STORE_FILE)) as database:
        key = DraftKey(order_id="order-1", form=FINDING_FORM, author="nobody")
        draft = database.read(lambda c: draft_store.load_draft(c, key))
        reports = database.read(base_store.load_reports)

    kept = int(str(draft.answers["note"]).removeprefix("answer "))
    assert kept in {said, said + 1}
    assert reports == []
