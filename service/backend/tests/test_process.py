"""The service as a real process: `python3 -m backend`."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

SOURCE = Path(__file__).parent.parent / "src"


class Running:
    """A started service."""

    def __init__(self, **env: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "backend"],
            env={
                "PYTHONPATH": os.pathsep.join([str(SOURCE), *sys.path[1:]]),
                "PYTHONDONTWRITEBYTECODE": "1",
                "PORT": str(self.port),
                "HOST": "127.0.0.1",
                **env,
            },
            stdout=subprocess.PIPE,
            text=True,
        )

    def get(self, path: str, seconds: float = 10) -> httpx2.Response:
        """Ask on a connection of its own."""
        return httpx2.get(f"http://127.0.0.1:{self.port}{path}", timeout=seconds)

    def until(self, status: int) -> None:
        """Wait until /ready answers so."""
        end = time.monotonic() + 20
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if self.get("/ready").status_code == status:
                    return
            except httpx2.TransportError:
                pass
            time.sleep(0.02)
        pytest.fail(f"/ready did not answer {status} within 20 s")

    def end(self) -> list[str]:
        """Wait for the end; return the lines of the log."""
        out, _ = self.process.communicate(timeout=20)
        return out.splitlines()


@pytest.fixture
def running() -> Iterator[list[Running]]:
    started: list[Running] = []
    yield started
    for service in started:
        if service.process.poll() is None:
            service.process.kill()
            service.process.communicate()


def test_sigterm_turns_unready_drains_and_exits_0(running: list[Running]) -> None:
    # Longer than the busiest machine takes for the questions; the second signal ends it.
    service = Running(DRAIN_DELAY_SECONDS="60")
    running.append(service)
    service.until(200)
    service.process.send_signal(signal.SIGTERM)
    service.until(503)
    assert service.get("/api/v1/status").status_code == 200  # still served
    service.process.send_signal(signal.SIGTERM)
    lines = service.end()
    assert service.process.returncode == 0
    entries = [json.loads(line) for line in lines]
    assert {"time", "level", "message"} <= set(entries[0])
    paths = [(e["path"], e["status"]) for e in entries if e["message"] == "request"]
    assert ("/ready", 503) in paths
    assert ("/api/v1/status", 200) in paths


def test_the_drain_ends_by_itself(running: list[Running]) -> None:
    service = Running(DRAIN_DELAY_SECONDS="0.1")
    running.append(service)
    service.until(200)
    service.process.send_signal(signal.SIGTERM)
    service.end()
    assert service.process.returncode == 0


def test_a_hanging_git_server_does_not_hold_up_the_end(running: list[Running]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        service = Running(
            GITOPS_REPOSITORY=f"git://127.0.0.1:{silent.getsockname()[1]}/r.git",
            GITOPS_TIMEOUT_SECONDS="15",
            DRAIN_DELAY_SECONDS="0",
            SHUTDOWN_TIMEOUT_SECONDS="1",
        )
        running.append(service)
        service.until(200)
        with pytest.raises(httpx2.ReadTimeout):
            service.get("/api/v1/status", seconds=0.3)
        begin = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        service.end()
        assert service.process.returncode == 0
        assert time.monotonic() - begin < 5


def test_unusable_settings_end_it_with_a_sentence(running: list[Running]) -> None:
    service = Running(LOG_LEVEL="loud")
    running.append(service)
    (line,) = service.end()
    assert service.process.returncode == 2
    assert json.loads(line)["message"] == (
        "reading the environment: LOG_LEVEL is 'loud'; use debug, info, warning or error"
    )
