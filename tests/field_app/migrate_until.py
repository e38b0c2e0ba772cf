"""A process that migrates a file again and again, killed before each statement in turn."""

import os
import resource
import shutil
import sys
from itertools import count
from pathlib import Path

from field_app.store.database_io import Database, StoreFullError

KILLED = 9


def migrate(path: Path, last: int) -> None:
    """Open the file and die like a killed process before statement number `last`."""
    told = 0

    def watch(_statement: str) -> None:
        nonlocal told
        told += 1
        if told == last:
            os._exit(KILLED)

    Database(path, watch=watch).close()


def in_a_child(work: object, *given: object) -> int:
    child = os.fork()
    if child == 0:
        try:
            if callable(work):
                work(*given)
        except StoreFullError as error:
            sys.stderr.write(f"{error}\n")
            os._exit(2)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed_everywhere(original: Path, folder: Path) -> int:
    """Leave one file per crash point in `folder`; return how many there are."""
    for number in count(1):
        target = folder / f"{number}.sqlite3"
        shutil.copy(original, target)
        if in_a_child(migrate, target, number) == 0:
            target.unlink()
            return number - 1
    return 0


def without_room(path: Path, size: int) -> None:
    """Migrate where no file may grow beyond `size` bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    Database(path).close()


if __name__ == "__main__":
    if sys.argv[1] == "kill":
        answer = killed_everywhere(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        answer = in_a_child(without_room, Path(sys.argv[2]), int(sys.argv[3]))
    sys.stdout.write(str(answer))
