"""Serves meters on real Modbus TCP sockets, their words computed at the moment of each request."""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import Self, cast

from pymodbus.constants import ExcCodes
from pymodbus.exceptions import NoSuchIdException
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import SimDevice
from pymodbus.simulator.simcore import SimCore
from pymodbus.simulator.simdata import SimData
from pymodbus.simulator.simutils import DataType

LOOPBACK = "127.0.0.1"
_START_WITHIN_S = 20.0
_BIT_FUNCTIONS = frozenset({1, 2})


class NoSuchRegister(LookupError):  # noqa: N818  # reads as what the meter says
    """The meter has no register at an address: it answers exception 2, illegal data address."""


class NoAnswer(Exception):  # noqa: N818  # reads as what the link sees
    """The unit is silent or not there: nothing is sent, the asker times out."""


class DeviceIsBusy(Exception):  # noqa: N818  # reads as what the meter says
    """The meter has no time now: it answers exception 6, server device busy."""


Answer = Callable[[int, int, int, int], Sequence[int]]
"""What stands behind a link: unit, function, 0-based address, count -> so many words.

For functions 1 and 2 the words are bits, 0 or 1. It raises NoSuchRegister when an address is not
there, NoAnswer when the unit does not answer at all, and DeviceIsBusy when it has no time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedLink:
    """One Modbus TCP port with the meters behind it; port 0 means any free one."""

    name: str
    answer: Answer
    port: int = 0


class _Computed:
    """Takes the place of pymodbus's register memory and asks; writing is refused."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def async_getValues(  # noqa: N802  # the name is pymodbus's
        self, device_id: int, func_code: int, address: int, count: int = 1
    ) -> list[int] | list[bool] | ExcCodes:
        try:
            words = self._answer(device_id, func_code, address, count)
        except NoSuchRegister:
            return ExcCodes.ILLEGAL_ADDRESS
        except DeviceIsBusy:
            return ExcCodes.DEVICE_BUSY
        except NoAnswer:
            raise NoSuchIdException from None
        if func_code in _BIT_FUNCTIONS:
            return [bool(word) for word in words]
        return list(words)

    async def async_setValues(  # noqa: N802  # the name is pymodbus's
        self, device_id: int, func_code: int, address: int, values: list[int] | list[bool]
    ) -> ExcCodes | None:
        del device_id, func_code, address, values
        return ExcCodes.ILLEGAL_FUNCTION


class SimulatedLinks:
    """Several Modbus TCP servers on loopback in one thread; a context manager.

    Attributes:
        ports: Link name to the port it listens on, once started.
    """

    def __init__(self, links: Sequence[SimulatedLink]) -> None:
        """Keep the links; nothing listens before `start`."""
        self.ports: Mapping[str, int] = {}
        self._links = links
        self._started: Future[Mapping[str, int]] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._thread_main, name="simulated-links")

    def start(self) -> Mapping[str, int]:
        """Listen on every link and return the ports by name.

        Raises:
            OSError: A wanted port is taken; what had been started is closed again.
        """
        self._thread.start()
        try:
            self.ports = self._started.result(_START_WITHIN_S)
        except OSError:
            self._thread.join()
            raise
        return self.ports

    def stop(self) -> None:
        """Close every socket and wait for the thread; may be called twice."""
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    def __enter__(self) -> Self:
        """Start listening."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening."""
        self.stop()

    def _thread_main(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        servers: list[ModbusTcpServer] = []
        self._loop = asyncio.get_running_loop()
        try:
            ports = {link.name: await _listen(link, servers) for link in self._links}
        except OSError as error:
            await _close(servers)
            self._started.set_exception(error)
            return
        self._started.set_result(ports)
        await self._stop.wait()
        await _close(servers)


async def _listen(link: SimulatedLink, servers: list[ModbusTcpServer]) -> int:
    placeholder = SimDevice(id=0, simdata=SimData(address=0, datatype=DataType.REGISTERS))
    server = ModbusTcpServer(
        placeholder, address=(LOOPBACK, link.port), ignore_missing_devices=True
    )
    server.context = cast("SimCore", _Computed(link.answer))  # it has all that requests call
    if not await server.listen():
        message = f"link {link.name!r}: port: {link.port} is taken; choose another or 0 for any"
        raise OSError(message)
    servers.append(server)
    listener = cast("asyncio.Server", server.transport)  # a listening server's transport
    return int(listener.sockets[0].getsockname()[1])


async def _close(servers: Sequence[ModbusTcpServer]) -> None:
    for server in servers:
        server.close()
    await asyncio.sleep(0)


def words_of(
    image: Mapping[tuple[int, int], int], function: int, address: int, count: int
) -> list[int]:
    """Return consecutive words of an image; what lies between known registers reads as zero.

    An image maps (function code, 0-based address) to a word, as `encode_values` makes it.

    Raises:
        NoSuchRegister: The first or the last address is not in the image.
    """
    last = address + count - 1
    if (function, address) not in image or (function, last) not in image:
        message = f"function {function}: no registers {address}..{last}"
        raise NoSuchRegister(message)
    return [image.get((function, each), 0) for each in range(address, last + 1)]
