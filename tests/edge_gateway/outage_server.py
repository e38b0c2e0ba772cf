"""The server's real ingest over a real database in a process of its own, and nothing else of it."""

import signal
import sys
import threading

from prometheus_client import CollectorRegistry

from sync_server.config import BrokerConfig
from sync_server.db.engine_io import open_engine
from sync_server.readings.health import IngestMetrics
from sync_server.readings.ingest_run_io import IngestLoop
from sync_server.readings.mqtt_io import BrokerLink
from tests.edge_gateway.anchored_clock import AnchoredClock

SERVER_EPOCH = 1


def main() -> None:
    """Store what comes over the broker's port into the database; anchor and rate follow."""
    clock = AnchoredClock(anchor_s=float(sys.argv[3]), rate=float(sys.argv[4]))
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    link = BrokerLink(BrokerConfig(port=int(sys.argv[2])))
    metrics = IngestMetrics(CollectorRegistry())
    loop = IngestLoop(open_engine(sys.argv[1]), link, clock, metrics, lambda _point: None)
    link.start()
    loop.run(SERVER_EPOCH, stop)
    link.close()


if __name__ == "__main__":
    main()
