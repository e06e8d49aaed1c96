import json
import logging

import pytest
from fastapi.testclient import TestClient

from backend.app import create_app
from backend.lifecycle import Lifecycle
from backend.logs import JsonFormatter
from backend.settings import Settings, SettingsError

from .conftest import MakeClient


def test_health(client_of: MakeClient) -> None:
    answer = client_of().get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert answer.headers["cache-control"] == "no-store"


def test_ready_200_when_started(client_of: MakeClient) -> None:
    answer = client_of().get("/ready")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})


def test_ready_503_before_the_start() -> None:
    client = TestClient(create_app(Settings(), Lifecycle()))  # no lifespan: never started
    answer = client.get("/ready")
    assert (answer.status_code, answer.json()) == (503, {"status": "starting"})


def test_ready_503_while_stopping_and_health_stays(client_of: MakeClient) -> None:
    lifecycle = Lifecycle()
    client = client_of(lifecycle)
    lifecycle.stop()
    lifecycle.started()  # cannot come back
    answer = client.get("/ready")
    assert (answer.status_code, answer.json()) == (503, {"status": "stopping"})
    assert client.get("/health").status_code == 200


def test_version_says_unknown_when_unset(client_of: MakeClient) -> None:
    assert client_of().get("/version").json() == {
        "name": "backend",
        "version": "unknown",
        "sourceRevision": "unknown",
        "buildTime": "unknown",
    }


def test_version_from_the_environment(client_of: MakeClient) -> None:
    client = client_of(VERSION="1.2", SOURCE_REVISION="abc", BUILD_TIME="2026-11-22T02:00:00Z")
    assert client.get("/version").json() == {
        "name": "backend",
        "version": "1.2",
        "sourceRevision": "abc",
        "buildTime": "2026-11-22T02:00:00Z",
    }


def test_metrics_count_by_route_not_by_path(client_of: MakeClient) -> None:
    client = client_of(VERSION="1.2")
    client.get("/api/v1/environments/dev")
    client.get("/invented/path")
    text = client.get("/metrics").text
    route = 'method="GET",route="/api/v1/environments/{env}"'
    assert f'http_requests_total{{{route},status="200"}} 1.0' in text
    assert f"http_request_duration_seconds_count{{{route}}} 1.0" in text
    assert 'route="unmatched",status="404"} 1.0' in text
    assert "invented" not in text
    assert 'build_info{source_revision="unknown",version="1.2"} 1.0' in text


def test_errors_are_json(client_of: MakeClient) -> None:
    client = client_of()
    missing = client.get("/nothing")
    assert missing.status_code == 404
    assert missing.json() == {"error": {"code": "not_found", "message": "Not Found"}}
    refused = client.post("/health")
    assert refused.status_code == 405
    assert refused.headers["allow"] == "GET"
    assert refused.json()["error"]["code"] == "method_not_allowed"


def test_a_crash_is_json_and_counted(
    client_of: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of()

    async def crash(_: object) -> None:
        raise RuntimeError("inside")

    monkeypatch.setattr("backend.status.StatusReader.status", crash)
    answer = client.get("/api/v1/status")
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal_server_error"
    assert "inside" not in answer.text
    assert 'route="/api/v1/status",status="500"} 1.0' in client.get("/metrics").text


def test_openapi_lists_every_endpoint(client_of: MakeClient) -> None:
    paths = client_of().get("/openapi.json").json()["paths"]
    assert {"/health", "/ready", "/version", "/metrics", "/api/v1/status"} <= set(paths)


def test_request_ids_are_kept_only_when_harmless(client_of: MakeClient) -> None:
    client = client_of()
    kept = client.get("/health", headers={"X-Request-Id": "run-1"})
    assert kept.headers["x-request-id"] == "run-1"
    made = client.get("/health", headers={"X-Request-Id": 'a"b c'})
    assert len(made.headers["x-request-id"]) == 32


def test_log_lines_are_json_with_extra_fields() -> None:
    log = logging.LogRecord("a", logging.INFO, "f", 1, "hello %s", ("you",), None)
    log.status = 200
    line = json.loads(JsonFormatter().format(log))
    assert line["message"] == "hello you"
    assert (line["level"], line["status"]) == ("info", 200)


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "abc"), ("PORT", "70000"), ("LOG_LEVEL", "loud")]
)
def test_settings_refuse_with_a_sentence(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"reading the environment: {name} is .*; use "):
        Settings.from_env({name: value})
