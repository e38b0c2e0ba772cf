"""Lets Dask's workers do the parts of a work: processes of this machine, or a cluster's."""

import importlib
import os
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar, cast

from sync_server.batch.runner import BatchError, Done, Reach

PartT = TypeVar("PartT")
ResultT = TypeVar("ResultT")

CONNECT_WITHIN = "5s"
"""How long a scheduler may take to answer."""

_SETTINGS: Mapping[str, object] = {
    "distributed.scheduler.allowed-failures": 10,
    "distributed.comm.timeouts.connect": CONNECT_WITHIN,
    "distributed.admin.log-length": 100,
}
"""A part may lose so many workers before it is taken for what kills them."""


class _Future(Protocol):
    """A part that is being done."""

    key: str


class _Client(Protocol):
    """The part of `distributed.Client` that is used."""

    def map(self, work: object, parts: Sequence[object], *, pure: bool) -> Sequence[_Future]:
        """Begin the parts."""
        ...

    def close(self) -> None:
        """Let the cluster go."""
        ...


class _Distributed(Protocol):
    """The part of the package `distributed` that is used."""

    def Client(self, address: object, *, timeout: str) -> _Client:  # noqa: N802  # Dask's name
        """Connect to a scheduler."""
        ...

    def LocalCluster(self, **settings: object) -> "_Cluster":  # noqa: N802  # Dask's name
        """Start workers on this machine."""
        ...

    def as_completed(
        self, futures: Sequence[_Future], *, with_results: bool
    ) -> Iterable[tuple[_Future, object]]:
        """Yield what is done, whatever is done first."""
        ...


class _Cluster(Protocol):
    """The part of `distributed.LocalCluster` that is used."""

    def close(self) -> None:
        """End the workers."""
        ...


class _Settings(Protocol):
    """The part of `dask.config` that is used."""

    def set(self, settings: Mapping[str, object]) -> object:
        """Change settings of this process."""
        ...


class DaskRunner:
    """Does the parts on the workers of one client."""

    def __init__(self, distributed: _Distributed, client: _Client, reach: Reach) -> None:
        """Take the open client, and where its workers are."""
        self._distributed = distributed
        self._client = client
        self.reach = reach

    def run(
        self, work: Callable[[PartT], ResultT], parts: Sequence[PartT], done: Done
    ) -> Sequence[ResultT]:
        """Return the result of each part, in the order of the parts.

        Raises:
            BatchError: A part lost worker after worker, or the scheduler went away.
        """
        futures = self._client.map(work, parts, pure=False)
        place = {future.key: at for at, future in enumerate(futures)}
        results: dict[int, ResultT] = {}
        try:
            for future, result in self._distributed.as_completed(futures, with_results=True):
                results[place[future.key]] = cast("ResultT", result)  # what `work` returned
                done(len(results), len(parts))
        except _lost() as error:
            message = f"--runner dask: the workers were lost: {error}; look at their logs"
            raise BatchError(message) from error
        return [results[at] for at in range(len(parts))]


def _lost() -> tuple[type[Exception], ...]:
    errors = importlib.import_module("distributed.client")
    scheduler = importlib.import_module("distributed.scheduler")
    return (scheduler.KilledWorker, errors.FutureCancelledError, errors.FuturesCancelledError)


@contextmanager
def open_dask(scheduler: str | None, workers: int | None) -> Generator[DaskRunner]:
    """Yield a runner over a scheduler's workers, or over processes of this machine alone.

    The processes of this machine speak TLS with a certificate made for them, so that nobody else
    on it can give them work.

    Raises:
        BatchError: Dask is not installed, or nobody answers at the address.
    """
    if scheduler is not None and workers is not None:
        raise BatchError("--workers: a scheduler has workers of its own; leave --workers out")
    distributed, settings = _load()
    settings.set(_SETTINGS)
    cluster = None
    if scheduler is None:
        cluster = distributed.LocalCluster(
            n_workers=workers or os.cpu_count() or 1,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            security=True,
            silence_logs="ERROR",
        )
    try:
        client = _connected(distributed, cluster if cluster is not None else scheduler)
        try:
            yield DaskRunner(distributed, client, _reach(scheduler))
        finally:
            client.close()
    finally:
        if cluster is not None:
            cluster.close()


def _reach(scheduler: str | None) -> Reach:
    host = scheduler and scheduler.partition("://")[2].rpartition(":")[0].strip("[]")
    return Reach.MACHINE if host in {None, "127.0.0.1", "localhost", "::1"} else Reach.CLUSTER


def _load() -> tuple[_Distributed, _Settings]:
    try:
        distributed = importlib.import_module("distributed")
        settings = importlib.import_module("dask.config")
    except ImportError as error:
        message = (
            f"--runner dask: {error.name} is not installed; pip install 'lamplighter[batch]',"
            " or leave --runner out"
        )
        raise BatchError(message) from error
    # the protocols above name what is used of them
    return cast("_Distributed", distributed), cast("_Settings", settings)


def _connected(distributed: _Distributed, address: object) -> _Client:
    try:
        return distributed.Client(address, timeout=CONNECT_WITHIN)
    except (OSError, ValueError) as error:
        message = (
            f"--scheduler: nobody answers at {address!r} ({error}); start one by `dask scheduler`,"
            " or leave --scheduler out"
        )
        raise BatchError(message) from error
