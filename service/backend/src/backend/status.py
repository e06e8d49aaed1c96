"""The platform's status: the releases of the GitOps repository, and what Argo CD says of each."""

import asyncio
import logging
from contextlib import closing
from datetime import UTC, datetime

from .applications import Applications, ApplicationsReader
from .bounded import BoundedReading
from .git_source import GitSource, SourceError
from .metrics import Metrics
from .models import EnvironmentStatus, LiveSource, PlatformStatus, ServiceStatus
from .releases import read_status
from .settings import Settings

_log = logging.getLogger("backend.status")


class StatusReader:
    """Answers what runs where; says "unknown" and why when it cannot be known."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._git: BoundedReading[PlatformStatus] | None = None
        self._name = settings.gitops_repository or ""
        if settings.gitops_repository:
            source = GitSource(
                settings.gitops_repository,
                settings.gitops_branch,
                settings.gitops_timeout,
                settings.gitops_history,
            )
            self._name = source.name
            self._git = BoundedReading(
                "gitops-read",
                lambda: self._read(source),
                settings.gitops_timeout,
                settings.gitops_cache,
            )
        self._applications = BoundedReading(
            "applications-read",
            ApplicationsReader(settings).read,
            # The reader's own limit comes first, since it knows better what it waits for.
            settings.kubernetes_timeout + 0.5,
            settings.kubernetes_cache,
        )

    async def status(self) -> PlatformStatus:
        """Return the status; never later than the configured timeouts."""
        released, (live, applications) = await asyncio.gather(self._released(), self._live())
        return _together(released, live, applications)

    async def _released(self) -> PlatformStatus:
        if self._git is None:
            return self._unknown("no GitOps repository is configured; set GITOPS_REPOSITORY")
        try:
            return await self._git.get()
        except TimeoutError:
            self._metrics.reads.labels("timeout").inc()
            limit = self._settings.gitops_timeout
            return self._unknown(
                f"reading the GitOps repository {self._name}: it did not answer within {limit:g} s"
            )

    async def _live(self) -> tuple[LiveSource, Applications]:
        try:
            return await self._applications.get()
        except TimeoutError:
            limit = self._settings.kubernetes_timeout
            reason = (
                "asking the cluster for Argo CD's Applications: "
                f"it did not answer within {limit:g} s"
            )
            return LiveSource(status="unknown", reason=reason), {}

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


def _together(
    released: PlatformStatus, live: LiveSource, applications: Applications
) -> PlatformStatus:
    """Put what Argo CD says beside what was released."""
    environments = [_environment(env, applications) for env in released.environments]
    return released.model_copy(update={"live": live, "environments": environments})


def _environment(env: EnvironmentStatus, applications: Applications) -> EnvironmentStatus:
    services = []
    for service in env.services:
        said = applications.get((env.name, service.name))
        update = {"live": said, "sync": said.sync, "health": said.health} if said else {}
        services.append(service.model_copy(update=update))
    names = {service.name for service in env.services}
    gone = "Argo CD runs it; the GitOps repository no longer has it" if env.status == "ok" else None
    for (place, name), said in sorted(applications.items()):
        if place == env.name and name not in names:
            services.append(
                ServiceStatus(
                    name=name,
                    status="unknown",
                    reason=gone,
                    live=said,
                    sync=said.sync,
                    health=said.health,
                )
            )
    return env.model_copy(update={"services": services})
