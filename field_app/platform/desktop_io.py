"""A desktop's stand-ins: pictures and codes from files, tones through the system's player."""

import io
import math
import shutil
import struct
import subprocess
import sys
import tempfile
import wave
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from field_app.platform.ports import Availability, Sound, Tag, TagWay

AskFile = Callable[[Callable[[Path | None], None]], None]
"""Lets the person choose a file; hands over None when none was chosen."""

ReadCode = Callable[[bytes], str]
"""Returns what the code in a picture says, empty when there is none."""

_LONGEST_TEXT: Final = 4096
"""A code holds at most 2,953 bytes (ISO/IEC 18004, version 40-L)."""

_TEXTS: Final = frozenset({".txt", ".lamp"})

_RATE: Final = 22_050
_PLAYERS: Final = ("paplay", "aplay", "afplay")

TONES: Final[Mapping[Sound, Sequence[tuple[float, float]]]] = {
    Sound.URGENT: ((880, 0.22), (660, 0.22), (880, 0.22), (660, 0.22)),
    Sound.DONE: ((660, 0.09), (880, 0.12)),
    Sound.WRONG: ((220, 0.30),),
}
"""Hertz and seconds: two alternating tones are heard over an engine."""


class DesktopCamera:
    """A file picker in place of a camera."""

    def __init__(self, ask_file: AskFile) -> None:
        """Ask for pictures with `ask_file`."""
        self._ask_file = ask_file

    def availability(self) -> Availability:
        """Return that pictures can be chosen."""
        return Availability(is_available=True)

    def take_photo(self, taken: Callable[[bytes | None], None]) -> None:
        """Hand over a picture that the person chooses."""

        def chosen(path: Path | None) -> None:
            taken(None if path is None else _bytes_of(path))

        self._ask_file(chosen)


class DesktopScanner:
    """A file in place of a printed code: its picture, or a text file with what the code says."""

    def __init__(self, ask_file: AskFile, read_code: ReadCode) -> None:
        """Ask for files with `ask_file`, read pictures with `read_code`."""
        self._ask_file = ask_file
        self._read_code = read_code

    def availability(self) -> Availability:
        """Return that codes can be read from files."""
        return Availability(is_available=True)

    def scan(self, scanned: Callable[[Tag | None], None]) -> None:
        """Hand over what the code in a file says, None when there is none."""

        def chosen(path: Path | None) -> None:
            text = "" if path is None else code_of(path, self._read_code)
            scanned(Tag(text=text, way=TagWay.QR) if text else None)

        self._ask_file(chosen)


def code_of(path: Path, read_code: ReadCode) -> str:
    """Return what the code in a file says, empty when there is none; a text file says it itself."""
    content = _bytes_of(path)
    if content is None:
        return ""
    if path.suffix.lower() in _TEXTS:
        return content[:_LONGEST_TEXT].decode("utf-8", "replace").strip()
    return read_code(content)


def _bytes_of(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


class DesktopSounder:
    """Tones through the system's own player."""

    def availability(self) -> Availability:
        """Return whether this machine has a player."""
        if sys.platform == "win32" or self._player() is not None:
            return Availability(is_available=True)
        return Availability(is_available=False, reason=_("This machine makes no sound."))

    def play(self, sound: Sound) -> None:
        """Play a sound; a machine without a player stays quiet."""
        player = self._player()
        if player is None:
            return
        path = Path(tempfile.gettempdir()) / f"lamplighter-{sound}.wav"
        path.write_bytes(wav_of(TONES[sound]))
        subprocess.Popen(  # noqa: S603 - the system's own player and our own file
            [player, str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    @staticmethod
    def _player() -> str | None:
        return next((found for name in _PLAYERS if (found := shutil.which(name))), None)


def wav_of(tones: Sequence[tuple[float, float]]) -> bytes:
    """Return tones of (hertz, seconds) as a WAV file of 16 bits, faded at both ends of each."""
    samples: list[int] = []
    for hertz, seconds in tones:
        count = int(seconds * _RATE)
        for index in range(count):
            fade = min(index, count - index, 200) / 200
            samples.append(int(20_000 * fade * math.sin(2 * math.pi * hertz * index / _RATE)))
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return stream.getvalue()


def _(msgid: str) -> str:
    """Mark a msgid for the catalogue; the words are looked up when they are shown."""
    return msgid
