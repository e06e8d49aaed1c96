"""The platform's status: read in a thread of its own, with a timeout, kept for a few seconds."""

import asyncio
import logging
import threading
import time
from concurrent.futures import Future
from contextlib import closing
from datetime import UTC, datetime

from .git_source import GitSource, SourceError
from .metrics import Metrics
from .models import EnvironmentStatus, PlatformStatus
from .releases import read_status
from .settings import Settings

_log = logging.getLogger("backend.status")


class StatusReader:
    """Answers what runs where; says "unknown" and why when it cannot be known."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._reading: Future[PlatformStatus] | None = None
        self._latest: tuple[float, PlatformStatus] | None = None
        self._source = (
            GitSource(
                settings.gitops_repository,
                settings.gitops_branch,
                settings.gitops_timeout,
                settings.gitops_history,
            )
            if settings.gitops_repository
            else None
        )

    async def status(self) -> PlatformStatus:
        """Return the status; never later than the configured timeout."""
        if self._source is None:
            return self._unknown("no GitOps repository is configured; set GITOPS_REPOSITORY")
        if self._latest and time.monotonic() - self._latest[0] < self._settings.gitops_cache:
            return self._latest[1]
        if self._reading is None:
            self._reading = self._begin(self._source)
        limit = self._settings.gitops_timeout
        try:
            return await asyncio.wait_for(
                asyncio.shield(asyncio.wrap_future(self._reading)), timeout=limit
            )
        except TimeoutError:
            self._metrics.reads.labels("timeout").inc()
            return self._unknown(
                f"reading the GitOps repository {self._source.name}: "
                f"it did not answer within {limit:g} s"
            )

    def _begin(self, source: GitSource) -> "Future[PlatformStatus]":
        # Not an executor: Python joins executors' threads when it exits, and a
        # server that hangs must not hold up the shutdown.
        future: Future[PlatformStatus] = Future()

        def run() -> None:
            result = self._read(source)
            self._latest = (time.monotonic(), result)
            self._reading = None
            future.set_result(result)

        threading.Thread(target=run, name="gitops-read", daemon=True).start()
        return future

    def _read(self, source: GitSource) -> PlatformStatus:
        try:
            repository, tip = source.tip()
            with closing(repository):
                status = read_status(repository, tip, source.name, self._settings)
        except SourceError as error:
            reason = str(error)
        except Exception as error:
            _log.exception("reading the GitOps repository failed")
            reason = f"reading the GitOps repository {source.name}: {error}"
        else:
            self._metrics.reads.labels("ok").inc()
            return status
        self._metrics.reads.labels("failed").inc()
        _log.warning("status unknown", extra={"reason": reason})
        return self._unknown(reason)

    def _unknown(self, reason: str) -> PlatformStatus:
        return PlatformStatus(
            status="unknown",
            reason=reason,
            observed_at=datetime.now(UTC),
            environments=[
                EnvironmentStatus(name=name, status="unknown", reason=reason)
                for name in self._settings.environments
            ],
        )
