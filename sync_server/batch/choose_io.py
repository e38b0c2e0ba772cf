"""Opens the runner that was asked for."""

from collections.abc import Generator
from contextlib import contextmanager

from sync_server.batch.dask_io import open_dask
from sync_server.batch.runner import InProcess, Runner
from sync_server.batch.runner_options import RunnerKind, RunnerOptions


@contextmanager
def open_runner(options: RunnerOptions) -> Generator[Runner]:
    """Yield the runner; its workers end with the block.

    Raises:
        BatchError: Dask is not installed, or nobody answers at the scheduler's address.
    """
    if options.kind is RunnerKind.IN_PROCESS:
        yield InProcess()
        return
    with open_dask(options.scheduler, options.workers) as runner:
        yield runner
