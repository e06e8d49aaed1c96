"""What operators and the cluster ask: liveness, readiness, version, metrics."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from .lifecycle import Lifecycle
from .metrics import Metrics
from .models import State, Version
from .settings import BuildInfo


def router(build: BuildInfo, lifecycle: Lifecycle, metrics: Metrics) -> APIRouter:
    """Return the operational endpoints."""
    routes = APIRouter(tags=["operations"])

    @routes.get("/health", summary="The process lives")
    async def health() -> State:
        return State(status="ok")

    @routes.get(
        "/ready",
        summary="The service takes requests",
        responses={503: {"model": State, "description": "Starting or stopping"}},
    )
    async def ready(response: Response) -> State:
        # Only the process's own phase: an unreachable GitOps repository is said in
        # the status, and must not take the service away from its users.
        if lifecycle.phase != "ready":
            response.status_code = 503
        return State(status=lifecycle.phase)

    @routes.get("/version", summary="What is running here")
    async def version() -> Version:
        return Version(
            name=build.name,
            version=build.version,
            source_revision=build.source_revision,
            build_time=build.build_time,
        )

    @routes.get("/metrics", summary="Prometheus metrics", response_class=Response)
    async def prometheus() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return routes
