"""Prepares the process for Kivy, which reads its environment when it is first imported."""

import ctypes
import os
import sys
from pathlib import Path

_GL_LIBRARIES = ("libEGL.so.1", "libGL.so.1")


class NoWindowError(RuntimeError):
    """There is neither a display nor a GL library; the text names the remedy."""


def has_gl() -> bool:
    """Return whether the libraries are there that draw without a display."""
    for name in _GL_LIBRARIES:
        try:
            ctypes.CDLL(name)
        except OSError:
            return False
    return True


def has_display() -> bool:
    """Return whether a window can be shown: Linux names its display, other systems have one."""
    if sys.platform != "linux" or "ANDROID_ARGUMENT" in os.environ:
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def prepare_environment(data: Path, *, must_be_offscreen: bool = False) -> None:
    """Set what Kivy reads at import; `data` is the tablet's folder, Kivy's files go below it.

    Without a display, or when asked, the app draws offscreen.

    Raises:
        NoWindowError: Offscreen needs GL libraries that are not installed.
    """
    os.environ["KIVY_NO_ARGS"] = "1"
    os.environ["KIVY_NO_FILELOG"] = "1"
    os.environ["KIVY_LOG_MODE"] = "PYTHON"
    os.environ.setdefault("KIVY_HOME", str(data / "kivy"))
    if not must_be_offscreen and has_display():
        return
    if not has_gl():
        raise NoWindowError(
            "field-app: window: there is no display and no GL library; "
            "install libegl1, libgl1 and libgl1-mesa-dri, or start it where a display is"
        )
    os.environ |= {
        "SDL_VIDEODRIVER": "offscreen",
        "KIVY_GL_BACKEND": "sdl2",
        "KIVY_CLIPBOARD": "dummy",
        "SDL_AUDIODRIVER": "dummy",
    }
    os.environ.pop("DISPLAY", None)
