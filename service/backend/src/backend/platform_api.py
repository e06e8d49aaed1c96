"""The API that shows the platform's status."""

from fastapi import APIRouter, HTTPException

from .models import EnvironmentList, EnvironmentStatus, ErrorBody, PlatformStatus
from .status import StatusReader


def router(reader: StatusReader) -> APIRouter:
    """Return the endpoints under /api/v1."""
    routes = APIRouter(prefix="/api/v1", tags=["platform"])

    @routes.get("/status", summary="What runs where")
    async def status() -> PlatformStatus:
        return await reader.status()

    @routes.get("/environments", summary="All environments")
    async def environments() -> EnvironmentList:
        found = await reader.status()
        return EnvironmentList(
            status=found.status, reason=found.reason, environments=found.environments
        )

    @routes.get(
        "/environments/{env}",
        summary="One environment",
        responses={404: {"model": ErrorBody, "description": "No such environment"}},
    )
    async def environment(env: str) -> EnvironmentStatus:
        found = (await reader.status()).environments
        for candidate in found:
            if candidate.name == env:
                return candidate
        names = ", ".join(e.name for e in found)
        raise HTTPException(404, f"there is no environment {env}; there are {names}")

    return routes
