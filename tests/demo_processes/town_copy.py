"""Copies a prepared town for a test that lets it live."""

import shutil
from pathlib import Path

from demo.places import Places


def copy_of(prepared: Path, folder: Path) -> Places:
    root = folder / "town"
    shutil.copytree(prepared, root)
    return Places(root)
