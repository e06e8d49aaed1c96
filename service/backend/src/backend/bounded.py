"""Readings that may hang: each in a thread of its own, with a timeout, kept for some seconds."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class BoundedReading(Generic[T]):
    """One thing that is read from elsewhere, at most once at a time.

    `read` answers in every case; what goes wrong is part of its answer.
    """

    def __init__(self, name: str, read: Callable[[], T], timeout: float, keep: float) -> None:
        self._name = name
        self._read = read
        self._timeout = timeout
        self._keep = keep
        self._running: Future[T] | None = None
        self._latest: tuple[float, T] | None = None

    async def get(self) -> T:
        """Return what was read; TimeoutError when that takes longer than the timeout."""
        if self._latest and time.monotonic() - self._latest[0] < self._keep:
            return self._latest[1]
        running = self._running or self._begin()
        return await asyncio.wait_for(
            asyncio.shield(asyncio.wrap_future(running)), timeout=self._timeout
        )

    def _begin(self) -> "Future[T]":
        # Not an executor: Python joins executors' threads when it exits, and a
        # server that hangs must not hold up the shutdown.
        future: Future[T] = Future()
        # Before the thread starts: one that ends at once would otherwise clear it too
        # early, and its answer would be given for ever.
        self._running = future

        def run() -> None:
            try:
                result = self._read()
            except BaseException as error:
                self._running = None
                future.set_exception(error)
                return
            self._latest = (time.monotonic(), result)
            self._running = None
            future.set_result(result)

        threading.Thread(target=run, name=self._name, daemon=True).start()
        return future
