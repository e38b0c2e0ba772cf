"""Keeps the damaged files of tablets' stores as they came, for whoever finds out what happened."""

import io
import os
import time
import zipfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from sync_server.blobs.files_io import sync_folder

FOLDER: Final = "stores"

REPORT: Final = "report.json"
"""What the tablet says of the damage; beside it in the zip the file and its log lie as they were.
`field_app.store.salvage_io` writes the same name."""

KEEP: Final = timedelta(days=90)
"""How long a file is kept: a crew's remarks may stand in it."""

MOST_FILES: Final = 50
"""Files of all tablets at a time; after that only what the tablet says is kept."""

MOST_REPORT_BYTES: Final = 64 * 1024
"""A report is some hundred bytes; an unpacked zip may be any number of times its size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFiles:
    """The folder of damaged stores, below that of the photos."""

    root: Path

    def keep(self, name: str, content: bytes) -> str | None:
        """Return the report inside, empty when there is none; keep the zip while there is room.

        None when there is neither room nor report: nothing of it was kept.
        """
        folder = self.root / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        kept = folder / f"{name}.zip"
        if len(self.names()) < MOST_FILES and not kept.exists():
            fresh = kept.with_suffix(".new")
            with fresh.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(kept)
            sync_folder(folder)
        report = _report_of(content)
        return report if report or kept.exists() else None

    def names(self) -> list[str]:
        """Return the names of the files that are here."""
        return sorted(path.stem for path in (self.root / FOLDER).glob("*.zip"))

    def drop_old(self) -> int:
        """Drop what is older than `KEEP` by the disk's clock; return how many files."""
        before_s = time.time() - KEEP.total_seconds()
        old = [path for path in (self.root / FOLDER).glob("*.*") if path.stat().st_mtime < before_s]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)


def _report_of(content: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open(REPORT) as report:
            return report.read(MOST_REPORT_BYTES).decode("utf-8", "replace")
    except (zipfile.BadZipFile, KeyError, OSError, RuntimeError):
        return ""
