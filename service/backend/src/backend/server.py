"""Runs the application and ends it gracefully."""

import logging
import time
from types import FrameType

import uvicorn

from .app import create_app
from .lifecycle import Lifecycle
from .settings import Settings

_log = logging.getLogger("backend.server")


class Server(uvicorn.Server):
    """A uvicorn server that says it is not ready before it stops listening.

    Uvicorn closes its socket at the first signal. A cluster needs a moment to take
    the pod out of its endpoints, so this one first answers 503 on /ready, goes on
    serving for the drain delay, then lets uvicorn end what is under way.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lifecycle = Lifecycle()
        self._stop_at: float | None = None
        super().__init__(
            uvicorn.Config(
                create_app(settings, self._lifecycle),
                host=settings.host,
                port=settings.port,
                loop="asyncio",
                http="h11",
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=30,
                timeout_graceful_shutdown=settings.shutdown_timeout,
            )
        )

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain at the first signal, stop at once at the second.

        Uvicorn's own handler raises the signal again at the end, which would make
        the exit code other than 0.
        """
        if self._stop_at is not None:
            self.should_exit = self.force_exit = True
            return
        self._lifecycle.stop()
        self._stop_at = time.monotonic() + self._settings.drain_delay

    async def on_tick(self, counter: int) -> bool:
        """Stop once the drain delay is over."""
        if self._stop_at is not None and time.monotonic() >= self._stop_at:
            self.should_exit = True
        return await super().on_tick(counter)
