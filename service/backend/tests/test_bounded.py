import asyncio
import threading

import pytest

from backend.bounded import BoundedReading


def test_a_reading_that_ends_at_once_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    # As on a busy machine: the thread has ended before whoever started it goes on.
    start = threading.Thread.start

    def started_and_ended(thread: threading.Thread) -> None:
        start(thread)
        if thread.name == "counting":
            thread.join()

    monkeypatch.setattr(threading.Thread, "start", started_and_ended)
    answers = iter([1, 2])
    reading = BoundedReading("counting", lambda: next(answers), timeout=5, keep=0)

    async def twice() -> list[int]:
        return [await reading.get(), await reading.get()]

    assert asyncio.run(twice()) == [1, 2]
