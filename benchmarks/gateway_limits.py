"""What the library can do at best: a bare pymodbus loop, one block per request, struct decode.

As a process: `python -m benchmarks.gateway_limits PORT SECONDS` prints the points per second.
"""

import logging
import struct
import sys
import time

from pymodbus.client import ModbusTcpClient

from benchmarks.gateway_meters import POINTS, REGISTERS, UNITS


def bare_points_per_s(port: int, seconds: float) -> float:
    """Return the points per second of a loop over all units that keeps nothing."""
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    client = ModbusTcpClient("127.0.0.1", port=port, retries=0, reconnect_delay=0, timeout=1)
    client.connect()  # type: ignore[no-untyped-call]  # pymodbus leaves it untyped
    packed, points = struct.Struct(f">{REGISTERS}H"), struct.Struct(f">{POINTS}I")
    requests = 0
    began_s = time.perf_counter()
    while (passed_s := time.perf_counter() - began_s) < seconds:
        for unit in UNITS:
            answer = client.read_holding_registers(0, count=REGISTERS, device_id=unit)
            points.unpack(packed.pack(*answer.registers))
            requests += 1
    client.close()  # type: ignore[no-untyped-call]  # pymodbus leaves it untyped
    return requests * POINTS / passed_s


if __name__ == "__main__":
    print(bare_points_per_s(int(sys.argv[1]), float(sys.argv[2])))
