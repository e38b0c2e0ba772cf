"""Makes the XLSX of every built-in checklist from its table.

`python -m sync_server.forms.build_checklists_io` after a table was changed; give a form that has
been released a new version, because answers are pinned to it.
"""

import sys
from pathlib import Path

from sync_server.forms.builtin_io import CHECKLISTS
from sync_server.forms.write_sheets_io import parse_tables, write_sheets


def built(table: Path) -> bytes:
    """Return the XLSX that a table stands for."""
    return write_sheets(parse_tables(table.read_text(encoding="utf-8").splitlines()))


def build_all(folder: Path = CHECKLISTS) -> list[str]:
    """Write the XLSX beside every table; return the names of those that changed."""
    changed: list[str] = []
    for table in sorted(folder.glob("*.md")):
        content, path = built(table), table.with_suffix(".xlsx")
        if not path.is_file() or path.read_bytes() != content:
            path.write_bytes(content)
            changed.append(path.name)
    return changed


if __name__ == "__main__":
    sys.stdout.write("".join(f"{name}\n" for name in build_all()))
