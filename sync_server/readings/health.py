"""Owns the counters of the ingest and of detection, for Prometheus."""

from functools import cache

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from sync_server.readings.reading_store import Stored


class IngestMetrics:
    """Counters of what arrived and of what became of it; nothing here has a person's name."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register the counters."""
        self.frames = Counter(
            "lamplighter_ingest_frames", "Frames by outcome.", ["outcome"], registry=registry
        )
        self.payloads_refused = Counter(
            "lamplighter_ingest_payloads_refused",
            "MQTT payloads that could not be taken apart.",
            registry=registry,
        )
        self.commit_s = Histogram(
            "lamplighter_ingest_commit_seconds",
            "Time of one ingest transaction.",
            registry=registry,
        )
        self.waiting = Gauge(
            "lamplighter_ingest_waiting_messages", "Messages not yet stored.", registry=registry
        )
        self.newest_at_s = Gauge(
            "lamplighter_ingest_newest_committed_timestamp_seconds",
            "When the newest transaction was committed.",
            registry=registry,
        )
        self.is_connected = Gauge(
            "lamplighter_broker_connected", "1 while the broker is connected.", registry=registry
        )
        self.detection_s = Histogram(
            "lamplighter_detection_seconds", "Time of one detection round.", registry=registry
        )
        self.detection_good_at_s = Gauge(
            "lamplighter_detection_newest_good_timestamp_seconds",
            "When the newest look of the detectors that ended well began.",
            registry=registry,
        )

    def count(self, stored: Stored) -> None:
        """Count what became of some batches."""
        self.frames.labels("stored").inc(stored.new_count)
        self.frames.labels("duplicate").inc(stored.duplicate_count)
        self.frames.labels("refused").inc(stored.refused_count)
        self.frames.labels("clone").inc(stored.clone_count)
        self.frames.labels("conflict").inc(stored.conflict_count)


@cache
def ingest_metrics() -> IngestMetrics:
    """Return the process's counters, registered where /metrics looks, at the first call."""
    return IngestMetrics(REGISTRY)
