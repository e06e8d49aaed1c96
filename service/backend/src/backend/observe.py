"""Counts, times and logs every request."""

import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .metrics import Metrics

_log = logging.getLogger("backend.access")
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# Probes and scrapes come every few seconds and say nothing while they succeed.
_QUIET = {"/health", "/ready", "/metrics"}


class Observe:
    """ASGI middleware for metrics, access logs and request ids."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, and record how that went."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        status = 500

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                headers["Cache-Control"] = "no-store"
                headers["X-Content-Type-Options"] = "nosniff"
            await send(message)

        begin = time.perf_counter()
        try:
            await self._app(scope, receive, note)
        finally:
            self._record(scope, status, time.perf_counter() - begin, request_id)

    def _record(self, scope: Scope, status: int, seconds: float, request_id: str) -> None:
        # The route's template, never the path: paths that anyone may invent must
        # not become time series.
        route = getattr(scope.get("route"), "path", "unmatched")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.requests.labels(method, route, str(status)).inc()
        self._metrics.latency.labels(method, route).observe(seconds)
        quiet = route in _QUIET and status < 400  # noqa: PLR2004 - HTTP's own boundary
        _log.log(
            logging.DEBUG if quiet else logging.INFO,
            "request",
            extra={
                "requestId": request_id,
                "method": method,
                "path": scope["path"],
                "status": status,
                "durationMs": round(seconds * 1000, 2),
            },
        )
