"""Opens what a story needs of a running town: the desk, the stream, the database, the cellar."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

from demo.accounts import CONTROL_ROOM_LOGIN
from demo.control_room_io import ControlRoom
from demo.faults_io import TruthFile
from demo.home_import_io import keep_importing_homes
from demo.loop import Stage, mend_what_was_found, mind_the_cellar
from demo.set_up_io import database_url, load_accounts
from demo.town_run_io import TownRun
from sync_server.db.engine_io import open_engine


@contextmanager
def open_stage(
    run: TownRun, stop: threading.Event, tell: Callable[[str], None]
) -> Generator[Stage]:
    """Yield the stage over a running town; the cellar is minded until the end."""
    engine = open_engine(database_url(run.places))
    over = threading.Event()
    try:
        with ControlRoom(run.base_url) as desk:
            desk.log_in(CONTROL_ROOM_LOGIN, load_accounts(run.places)[CONTROL_ROOM_LOGIN])
            stage = Stage(
                places=run.places,
                town=run.town,
                engine=engine,
                clock=run.clock,
                truth=TruthFile(run.places.truth_file),
                desk=desk,
                live=desk.watch(over),
                network=run.network,
                stop=stop,
                over=over,
                tell=tell,
                check_alive=run.supervisor.check_alive,
            )
            helpers = [
                threading.Thread(target=mind_the_cellar, args=(stage,), name="cellar"),
                threading.Thread(target=mend_what_was_found, args=(stage,), name="mending"),
                threading.Thread(
                    target=keep_importing_homes,
                    args=(engine, run.town, run.clock, over),
                    name="homes",
                ),
            ]
            for each in helpers:
                each.start()
            try:
                yield stage
            finally:
                over.set()
                for each in helpers:
                    each.join()
    finally:
        engine.dispose()
