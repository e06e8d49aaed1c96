import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dulwich.repo import Repo

from . import cluster, gitops
from .conftest import MakeClient

HEALTHY = {
    "sync": {"status": "Synced", "revision": "c" * 40},
    "health": {"status": "Healthy"},
    "operationState": {"phase": "Succeeded"},
    "reconciledAt": "2026-11-22T03:00:00Z",
}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[cluster.Cluster]:
    with cluster.serve(tmp_path) as server:
        yield server


@pytest.fixture
def repository(tmp_path: Path) -> Repo:
    repository = gitops.create(tmp_path / "gitops")
    gitops.release(repository, "backend", "dev", "1.0")
    gitops.release(repository, "backend", "prod", "0.9")
    return repository


def services(body: dict[str, Any], env: str) -> list[dict[str, Any]]:
    return next(e["services"] for e in body["environments"] if e["name"] == env)


def test_what_argo_cd_says_stands_beside_the_release(
    client_of: MakeClient, repository: Repo, api: cluster.Cluster
) -> None:
    api.items = [
        cluster.application("dev", "backend", **HEALTHY),
        {"metadata": {"name": "somebody-elses"}},
    ]
    body = client_of(GITOPS_REPOSITORY=repository.path, **api.env).get("/api/v1/status").json()
    assert (body["live"]["status"], body["live"]["reason"]) == ("ok", None)
    assert body["live"]["observedAt"] is not None
    (backend,) = services(body, "dev")
    assert (backend["version"], backend["sync"], backend["health"]) == ("1.0", "Synced", "Healthy")
    assert backend["live"] == {
        "sync": "Synced",
        "health": "Healthy",
        "revision": "c" * 40,
        "operation": "Succeeded",
        "reconciledAt": "2026-11-22T03:00:00Z",
        "message": None,
    }
    (other,) = services(body, "prod")
    assert (other["version"], other["sync"], other["live"]) == ("0.9", "unknown", None)


def test_a_release_that_is_not_well_says_why(
    client_of: MakeClient, repository: Repo, api: cluster.Cluster
) -> None:
    pod = {"kind": "Deployment", "name": "backend"}
    cases: list[tuple[dict[str, Any], str]] = [
        (
            {"conditions": [{"type": "ComparisonError", "message": "no such path"}]},
            "no such path",
        ),
        ({"operationState": {"phase": "Failed", "message": "refused"}}, "refused"),
        (
            {
                "sync": {"status": "OutOfSync"},
                "conditions": [{"type": "SyncError", "message": "tasks are not valid"}],
                "operationState": {
                    "phase": "Failed",
                    "syncResult": {
                        "resources": [
                            {"kind": "Service", "name": "a", "status": "Synced", "message": "ok"},
                            {**pod, "status": "SyncFailed", "message": "not permitted"},
                        ]
                    },
                },
            },
            "Deployment/backend: not permitted",
        ),
        (
            {
                "sync": {"status": "Synced"},
                "operationState": {"phase": "Failed", "message": "long ago"},
            },
            "",
        ),
        (
            {"resources": [{**pod, "health": {"status": "Degraded", "message": "too slow"}}]},
            "Deployment backend: too slow",
        ),
        ({"health": {"status": "Progressing", "message": "waiting"}}, "waiting"),
        ({"conditions": [{"type": "SharedResourceWarning", "message": "not this"}]}, ""),
    ]
    client = client_of(GITOPS_REPOSITORY=repository.path, **api.env)
    for status, message in cases:
        api.items = [cluster.application("dev", "backend", **status)]
        (backend,) = services(client.get("/api/v1/status").json(), "dev")
        assert backend["live"]["message"] == (message or None)


def test_what_runs_without_a_release_is_shown(
    client_of: MakeClient, repository: Repo, api: cluster.Cluster
) -> None:
    api.items = [cluster.application("stage", "old", **HEALTHY)]
    body = client_of(GITOPS_REPOSITORY=repository.path, **api.env).get("/api/v1/status").json()
    (old,) = services(body, "stage")
    assert old["reason"] == "Argo CD runs it; the GitOps repository no longer has it"
    assert (old["version"], old["health"]) == (None, "Healthy")


def test_without_a_repository_the_cluster_is_still_shown(
    client_of: MakeClient, api: cluster.Cluster
) -> None:
    api.items = [cluster.application("dev", "backend", **HEALTHY)]
    body = client_of(**api.env).get("/api/v1/status").json()
    assert body["status"] == "unknown"
    (backend,) = services(body, "dev")
    assert (backend["health"], backend["version"], backend["reason"]) == ("Healthy", None, None)


def test_unknown_without_an_account(client_of: MakeClient, repository: Repo) -> None:
    body = client_of(GITOPS_REPOSITORY=repository.path).get("/api/v1/status").json()
    assert body["status"] == "ok"
    assert body["live"]["status"] == "unknown"
    assert body["live"]["reason"].startswith("no cluster account is mounted")
    assert services(body, "dev")[0]["health"] == "unknown"


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (403, b"{}", "this service's account may not read Applications"),
        (404, b"{}", "it has no Argo CD"),
        (500, b"{}", "it answered 500"),
        (200, b"<html>", "its answer is not JSON"),
        (200, b"{}", "its answer is not a list"),
    ],
)
def test_unknown_when_the_cluster_does_not_tell(
    client_of: MakeClient, api: cluster.Cluster, status: int, body: bytes, reason: str
) -> None:
    api.status, api.body = status, body
    live = client_of(**api.env).get("/api/v1/status").json()["live"]
    assert (live["status"], live["observedAt"]) == ("unknown", None)
    assert live["reason"] == f"asking the cluster for Argo CD's Applications: {reason}"


def test_unknown_when_the_cluster_is_silent(client_of: MakeClient, api: cluster.Cluster) -> None:
    api.silent = threading.Event()
    client = client_of(KUBERNETES_TIMEOUT_SECONDS="0.2", **api.env)
    assert "did not answer in time" in client.get("/api/v1/status").json()["live"]["reason"]


def test_unknown_when_the_cluster_is_gone(client_of: MakeClient, api: cluster.Cluster) -> None:
    env = {**api.env, "KUBERNETES_API": "http://127.0.0.1:9"}
    assert "refused" in client_of(**env).get("/api/v1/status").json()["live"]["reason"]
