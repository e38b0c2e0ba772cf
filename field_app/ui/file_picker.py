# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Lets a person at a desktop choose a file where a tablet has a camera or a scanner."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from kivy.clock import Clock
from kivy.properties import ListProperty, ObjectProperty, StringProperty
from kivy.uix.modalview import ModalView

from field_app.ui.widgets.basics import Choice

SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".txt", ".lamp"})
"""Pictures, and texts that say what a code says."""

MOST_SHOWN: Final = 200

Chosen = Callable[[Path | None], None]


class FilePicker(ModalView):
    """The files of one folder over everything else; `chosen` is called once."""

    folder = StringProperty("")
    entries = ListProperty([])
    chosen = ObjectProperty(None, allownone=True)

    def look_into(self, folder: Path) -> None:
        """List a folder: its own folders first, then what can be chosen."""
        self.folder = str(folder)
        self.entries = listed(folder)
        rows = self.ids.rows
        rows.clear_widgets()
        for path in self.entries:
            icon = "folder" if path.is_dir() else "file-document"
            row = Choice(key=str(path), text=path.name, icon=icon)
            row.bind(on_release=lambda tapped: self.tapped(Path(tapped.key)))
            rows.add_widget(row)

    def tapped(self, path: Path) -> None:
        """Go into a folder, or choose a file."""
        if path.is_dir():
            self.look_into(path)
        else:
            self.end(path)

    def up(self) -> None:
        """Go one folder up."""
        self.look_into(Path(self.folder).parent)

    def end(self, path: Path | None) -> None:
        """Hand over what was chosen."""
        chosen, self.chosen = self.chosen, None
        self.dismiss(animation=False)
        if chosen is not None:
            chosen(path)


def listed(folder: Path) -> list[Path]:
    """Return what a picker shows of a folder, none when it cannot be read."""
    try:
        found = [path for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError:
        return []
    folders = sorted(path for path in found if path.is_dir())
    files = sorted(path for path in found if path.suffix.lower() in SUFFIXES and path.is_file())
    return [*folders, *files][:MOST_SHOWN]


def ask_file(chosen: Chosen) -> None:
    """Show the picker; may be called on any thread, `chosen` is called on the screen's."""
    Clock.schedule_once(lambda _elapsed_s: _open(chosen))


def _open(chosen: Chosen) -> None:
    picker = FilePicker(chosen=chosen)
    picker.look_into(Path.cwd())
    picker.open(animation=False)
