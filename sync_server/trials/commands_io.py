"""The commands that try detection on files and on history."""

import argparse
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine

from sync_server.assets.asset_store import get_meter, list_meters
from sync_server.batch.choose_io import open_runner
from sync_server.batch.runner import BatchError
from sync_server.batch.runner_options import add_runner_options, runner_options
from sync_server.clock_io import SystemClock
from sync_server.detection.meters.candidates import RULES_VERSION
from sync_server.detection.meters.intake import Known
from sync_server.detection.watch.fleet_store import put_children, put_traits
from sync_server.detection.watch.price_store import put_price
from sync_server.detection.watch.relearn_io import relearn
from sync_server.detection.watch.surroundings_store import note_meter, put_weather
from sync_server.trials.backtest import report, say_reach
from sync_server.trials.backtest_io import WARM_UP, BacktestOrder, backtest
from sync_server.trials.cases_io import export_cases
from sync_server.trials.meter_files_io import read_topology, read_weather
from sync_server.trials.replay_io import ReplayFiles, replay
from sync_server.trials.site_files_io import read_prices, read_traits
from sync_server.trials.trial_errors import TrialError, refused

Say = Callable[[str], None]
AddCommand = Callable[[str, str], argparse.ArgumentParser]
REFUSALS = (TrialError, BatchError)

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
    test = add("backtest", "run the rules over stored readings and compare with live alerts")
    test.add_argument("--from", dest="from_utc", type=_moment, required=True)
    test.add_argument("--to", dest="to_utc", type=_moment, required=True)
    test.add_argument("--rule", action="append", default=[], help="this rule alone; repeatable")
    add_runner_options(test)
    again = add("relearn", "learn what detection remembers anew, before a server with new rules")
    add_runner_options(again)
    cases = add("export-cases", "write labelled alerts with evidence and readings as JSON lines")
    cases.add_argument("file", type=Path)
    weather = add("import-weather", "take outdoor temperatures from a CSV: weather, ts, t_out")
    weather.add_argument("file", type=Path)
    traits = add("import-meter-traits", "take what is known of meters from a CSV: meter, ...")
    traits.add_argument("file", type=Path)
    stations = add("import-stations", "say which meters lie behind which, CSV: parent, child")
    stations.add_argument("file", type=Path)
    prices = add("import-prices", "take prices by medium and meter class from a CSV")
    prices.add_argument("file", type=Path)
    note = add("note-meter", "say that a meter stands empty, was exchanged or is shut off")
    note.add_argument("meter")
    note.add_argument("known", type=Known, choices=list(Known))
    note.add_argument("--from", dest="from_utc", type=_moment, required=True)
    note.add_argument("--to", dest="to_utc", type=_moment, help="until further notice without")
    note.add_argument("--source", required=True, help="who says so, such as an order's number")


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        message = f"{text!r} has no time zone; write it like 2026-11-01T00:00Z"
        raise argparse.ArgumentTypeError(message)
    return moment.astimezone(UTC)


def run_backtest(engine: Engine, options: argparse.Namespace, say: Say) -> None:
    """Compare the rules with the alerts that were live; nothing live is touched."""
    order = BacktestOrder(
        from_utc=options.from_utc, to_utc=options.to_utc, rules=tuple(options.rule)
    )
    bar = Bar("backtest", "parts")
    with open_runner(runner_options(options)) as runner:
        done = backtest(engine, order, runner, lambda count, of: bar.show(count / of, count))
    bar.end()
    say(say_reach(order.from_utc - WARM_UP, order.from_utc, done.oldest_utc))
    say(f"rules {done.rules_version}: {', '.join(done.rules) or 'none spoke'}")
    for line in report(done.comparison, done.meter_days):
        say(line)


def run_relearn(engine: Engine, options: argparse.Namespace, say: Say) -> None:
    """Learn the detectors' memory anew; the server that detects must be stopped."""
    bar = Bar("relearn", "parts")
    with open_runner(runner_options(options)) as runner:
        now_utc = SystemClock().now_utc()
        count = relearn(engine, now_utc, runner, lambda count, of: bar.show(count / of, count))
    bar.end()
    say(
        f"learned anew by rules {RULES_VERSION} from what the database has; files of the archive"
        f" are not read; {count} changes of alerts"
    )


def run_export_cases(engine: Engine, options: argparse.Namespace, say: Say) -> None:
    """Write the labelled alerts."""
    say(f"{export_cases(engine, options.file)} cases to {options.file}")


def run_import_weather(engine: Engine, options: argparse.Namespace, say: Say) -> None:
    """Take the temperatures of a file in, whole or not at all."""
    hours = [
        (one.weather_id, one.hour_at_ms, one.outdoor_temp_degc)
        for one in read_weather(options.file)
    ]
    with engine.begin() as connection:
        count = put_weather(connection, hours)
    say(f"{count} hours of {len({name for name, _, _ in hours})} stations")


def run_import_traits(engine: Engine, options: argparse.Namespace, say: Say) -> None:
    """Take the traits of a file in, whole or not at all."""
    with engine.begin() as connection:
        traits = read_traits(options.file, _known_meters(connection))
        put_traits(connection, traits)
    say(f"traits of {len(traits)} meters")


def run_import_stations(engine: Engine, options: argparse.Namespace, say: Say) -> None:
    """Take the file's stations in place of all that there were."""
    with engine.begin() as connection:
        pairs = read_topology(options.file, _known_meters(connection))
        put_children(connection, pairs)
    say(f"{len(pairs)} meters behind {len({parent for parent, _ in pairs})} stations")


def run_import_prices(engine: Engine, options: argparse.Namespace, say: Say) -> None:
    """Take the prices of a file in, whole or not at all; former ones stay."""
    prices = read_prices(options.file)
    with engine.begin() as connection:
        for price in prices:
            put_price(connection, price)
    say(f"{len(prices)} prices")


def _known_meters(connection: Connection) -> frozenset[str]:
    return frozenset(record.meter.meter_id for record in list_meters(connection))


def run_note_meter(engine: Engine, options: argparse.Namespace, say: Say) -> None:
    """Tell detection what the service side knows; raise TrialError for a meter that is not."""
    with engine.begin() as connection:
        if get_meter(connection, options.meter) is None:
            raise refused("note-meter", "meter", f"{options.meter!r} is not known", "import it")
        note_meter(
            connection,
            options.meter,
            options.known,
            span_utc=(options.from_utc, options.to_utc),
            source=options.source,
            actor="command",
            now_utc=SystemClock().now_utc(),
        )
    say(f"{options.meter} is noted as {options.known}")


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

    def __init__(self, name: str, unit: str = "readings") -> None:
        """Begin at nothing; `unit` is what is counted."""
        self._name = name
        self._unit = unit
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
            f"{count} {self._unit}, {rate:.0f}/s"
        )
        start, end = ("\r", "") if self._is_terminal else ("", "\n")
        sys.stderr.write(start + text + end)
        sys.stderr.flush()

    def end(self) -> None:
        """Leave the line."""
        if self._is_terminal:
            sys.stderr.write("\n")
