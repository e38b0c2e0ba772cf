"""Starts, watches, kills and stops the demo's processes."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from demo.places import Places

STOP_WITHIN_S = 15.0
"""A process that has not stopped by then is ended: it survives that, too."""


@dataclass(frozen=True, slots=True)
class Role:
    """One process of the demo: its name, the module it runs and that module's arguments."""

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Running:
    """A started process with its role, so that it can be started again.

    `log_from` is where this run's words begin in its log.
    """

    role: Role
    process: subprocess.Popen[bytes]
    log_from: int


class ProcessDied(RuntimeError):  # noqa: N818  # reads as what happened
    """A process ended although nobody stopped it; the text names its log."""


class Supervisor:
    """The demo's processes, in the order in which they were started.

    Every child watches its standard input: when the demo itself is killed, the pipe closes and the
    child stops in its own orderly way.
    """

    def __init__(self, places: Places) -> None:
        """Keep the places; nothing is started yet."""
        self._places = places
        self._running: dict[str, Running] = {}

    def start(self, role: Role) -> None:
        """Start a process in a session of its own: Ctrl-C reaches only the demo."""
        log_file = self._places.log_file(role.name)
        log_file.parent.mkdir(parents=True, exist_ok=True)
        with log_file.open("ab") as log:
            log_from = log.tell()
            process = subprocess.Popen(  # noqa: S603  # our own module, our own arguments
                [sys.executable, "-m", role.module, *role.arguments],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, **role.environment},
                cwd=Path(__file__).resolve().parent.parent,
            )
        self._running[role.name] = Running(role=role, process=process, log_from=log_from)

    def arguments_of(self, name: str) -> tuple[str, ...]:
        """Return the arguments with which a process was last started."""
        return self._running[name].role.arguments

    def is_running(self, name: str) -> bool:
        """Return whether the process is alive."""
        return self._running[name].process.poll() is None

    def times_said(self, name: str, words: str) -> int:
        """Return how often the process has logged these words since it was started."""
        log_file = self._places.log_file(name)
        with log_file.open("rb") as log:
            log.seek(self._running[name].log_from)
            return log.read().count(words.encode())

    def wait_for_end(self, name: str, within_s: float) -> bool:
        """Return whether the process ended by itself within so many seconds of the wall."""
        try:
            self._running[name].process.wait(within_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def check_alive(self) -> None:
        """Raise ProcessDied when a process ended although nobody stopped it."""
        for name, running in self._running.items():
            if running.process.poll() is not None:
                log_file = self._places.log_file(name)
                message = f"{name} ended with {running.process.returncode}; see {log_file}"
                raise ProcessDied(message)

    def kill(self, name: str) -> None:
        """End a process as a power cut would: no warning, no clean-up."""
        running = self._running[name]
        running.process.send_signal(signal.SIGKILL)
        self._reap(running)

    def restart(self, name: str, *arguments: str) -> None:
        """Start a process again that has ended, with other arguments if given."""
        running = self._running[name]
        self._reap(running)
        role = running.role
        self.start(Role(role.name, role.module, arguments or role.arguments, role.environment))

    def stop(self, name: str) -> None:
        """Ask a process to stop and wait for it."""
        running = self._running.pop(name)
        running.process.terminate()
        try:
            running.process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            running.process.kill()
        self._reap(running)

    def stop_all(self) -> None:
        """Stop everything, the last started first."""
        for name in reversed(list(self._running)):
            self.stop(name)

    @staticmethod
    def _reap(running: Running) -> None:
        if running.process.stdin is not None:
            running.process.stdin.close()
        running.process.wait()
