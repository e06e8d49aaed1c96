"""Prometheus metrics, in a registry of the application's own so that tests do not share it."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from .settings import BuildInfo


class Metrics:
    """What the service counts and measures."""

    def __init__(self, build: BuildInfo) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        Info("build", "Where this build comes from", registry=self._registry).info(
            {"version": build.version, "source_revision": build.source_revision}
        )
        self.requests = Counter(
            "http_requests_total",
            "Requests answered",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self.latency = Histogram(
            "http_request_duration_seconds",
            "Time to answer a request",
            ("method", "route"),
            registry=self._registry,
        )
        self.reads = Counter(
            "gitops_reads_total",
            "Readings of the GitOps repository",
            ("result",),
            registry=self._registry,
        )

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)
