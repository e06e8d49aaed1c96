"""Puts the application together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from . import operations, platform_api
from .lifecycle import Lifecycle
from .metrics import Metrics
from .models import ErrorBody, ErrorDetail
from .observe import Observe
from .settings import Settings
from .status import StatusReader


def create_app(settings: Settings, lifecycle: Lifecycle) -> FastAPI:
    """Return the application; it is ready once its lifespan has begun."""
    metrics = Metrics(settings.build)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        lifecycle.started()
        yield
        lifecycle.stop()

    app = FastAPI(
        title="Golden path backend",
        summary="What runs where, read from the GitOps repository.",
        version=settings.build.version,
        lifespan=lifespan,
        # The interactive pages load scripts from a public CDN; /openapi.json needs nothing.
        docs_url=None,
        redoc_url=None,
    )
    app.include_router(operations.router(settings.build, lifecycle, metrics))
    app.include_router(platform_api.router(StatusReader(settings, metrics)))
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _crashed)
    app.add_middleware(Observe, metrics=metrics)
    return app


def _body(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    code = HTTPStatus(status).phrase.lower().replace(" ", "_")
    body = ErrorBody(error=ErrorDetail(code=code, message=message))
    return JSONResponse(body.model_dump(), status_code=status, headers=headers)


async def _http_error(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    return _body(error.status_code, str(error.detail), dict(error.headers or {}))


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    return _body(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))


async def _crashed(_: Request, __: Exception) -> JSONResponse:
    # The server logs the error itself; a client learns nothing of the inside.
    return _body(HTTPStatus.INTERNAL_SERVER_ERROR, "the request could not be answered")
