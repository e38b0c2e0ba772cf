"""The commands that try detection on files and on history."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sync_server.trials.replay_io import ReplayFiles, replay
from sync_server.trials.trial_errors import TrialError

Say = Callable[[str], None]
AddCommand = Callable[[str, str], argparse.ArgumentParser]
REFUSALS = (TrialError,)

_BAR = 30


def add_trial_commands(add: AddCommand) -> None:
    """Add the commands to the parser."""
    replay_command = add("replay", "run a file of readings through ingest, detection and alerts")
    replay_command.add_argument("--readings", type=Path, required=True, help="JSON lines, by recv")
    replay_command.add_argument("--meters", type=Path, required=True, help="CSV of meters")
    replay_command.add_argument("--weather", type=Path, help="CSV: weather, ts, t_out (degC)")
    replay_command.add_argument("--topology", type=Path, help="CSV: parent, child")
    replay_command.add_argument("--alerts", type=Path, required=True, help="where alerts go")
    replay_command.add_argument(
        "--work", type=Path, help="folder of the run, to go on with after an interruption"
    )


def run_replay(options: argparse.Namespace, say: Say) -> None:
    """Replay a file; raise TrialError when it cannot be used."""
    files = ReplayFiles(
        readings=options.readings,
        meters=options.meters,
        weather=options.weather,
        topology=options.topology,
    )
    alerts: Path = options.alerts
    work = options.work or alerts.with_name(alerts.name + ".work")
    if files.weather is None:
        say("replay: no weather: detectors judge without outdoor temperature")
    bar = Bar("replay")
    done = replay(files, alerts, work, bar.show)
    bar.end()
    say(f"{done.reading_count} readings, {done.alert_count} alerts to {alerts}")


class Bar:
    """A progress bar on standard error: a line that moves at a terminal, a line per tenth else."""

    def __init__(self, name: str) -> None:
        """Begin at nothing."""
        self._name = name
        self._shown = -1
        self._is_terminal = sys.stderr.isatty()
        self._began_s = time.monotonic()

    def show(self, share: float, count: int) -> None:
        """Show how much is done."""
        step = int(share * (1000 if self._is_terminal else 10))
        if step == self._shown:
            return
        self._shown = step
        filled = int(share * _BAR)
        rate = count / max(time.monotonic() - self._began_s, 1e-9)
        text = (
            f"{self._name} [{'#' * filled}{'.' * (_BAR - filled)}] {share:6.1%}  "
            f"{count} readings, {rate:.0f}/s"
        )
        start, end = ("\r", "") if self._is_terminal else ("", "\n")
        sys.stderr.write(start + text + end)
        sys.stderr.flush()

    def end(self) -> None:
        """Leave the line."""
        if self._is_terminal:
            sys.stderr.write("\n")
