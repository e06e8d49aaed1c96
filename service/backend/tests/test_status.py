import socket
import time
from pathlib import Path

import pytest
from dulwich.objects import ObjectID
from dulwich.refs import Ref
from dulwich.repo import Repo

from . import gitops
from .conftest import MakeClient


@pytest.fixture
def repository(tmp_path: Path) -> Repo:
    return gitops.create(tmp_path / "gitops")


def test_unknown_when_not_configured(client_of: MakeClient) -> None:
    answer = client_of().get("/api/v1/status")
    assert answer.status_code == 200
    body = answer.json()
    assert body["status"] == "unknown"
    assert body["reason"] == "no GitOps repository is configured; set GITOPS_REPOSITORY"
    assert body["source"] is None
    assert [(e["name"], e["status"], e["services"]) for e in body["environments"]] == [
        ("dev", "unknown", []),
        ("stage", "unknown", []),
        ("prod", "unknown", []),
    ]


def test_a_local_repository(client_of: MakeClient, repository: Repo) -> None:
    gitops.release(repository, "backend", "dev", "1.0", run="run-1")
    second = gitops.release(repository, "backend", "dev", "1.1", run="run-2", at=gitops.TIME + 60)
    other = gitops.release(repository, "frontend", "stage", "2.0", at=gitops.TIME + 120)
    body = client_of(GITOPS_REPOSITORY=repository.path).get("/api/v1/status").json()

    assert (body["status"], body["reason"]) == ("ok", None)
    assert body["source"]["revision"] == other
    assert body["source"]["branch"] == "main"
    dev, stage, prod = body["environments"]
    assert dev["services"] == [
        {
            "name": "backend",
            "status": "ok",
            "reason": None,
            "owner": "team-platform",
            "version": "1.1",
            "sourceRevision": gitops.REVISION,
            "sourceTime": "2026-11-22T02:00:00Z",
            "digest": gitops.DIGEST,
            "image": f"registry.golden-path.internal/backend@{gitops.DIGEST}",
            "lastPromotion": {
                "commit": second,
                "time": "2026-11-22T04:01:00+02:00",
                "author": "Pipeline",
                "runId": "run-2",
            },
            "record": None,
            "sync": "unknown",
            "health": "unknown",
            "live": None,
            "holds": [],
        }
    ]
    assert stage["services"][0]["lastPromotion"]["commit"] == other
    assert stage["services"][0]["lastPromotion"]["runId"] is None
    assert (prod["status"], prod["services"]) == ("ok", [])


def test_other_files_do_not_count_as_a_promotion(client_of: MakeClient, repository: Repo) -> None:
    promoted = gitops.release(repository, "backend", "dev", "1.0")
    gitops.commit(repository, {"env/dev/backend/manifests/a.yaml": "a: 1\n"}, "Tidy up")
    body = client_of(GITOPS_REPOSITORY=repository.path).get("/api/v1/environments/dev").json()
    assert body["services"][0]["lastPromotion"]["commit"] == promoted


@pytest.mark.parametrize("serve", [gitops.git_daemon, gitops.http_server])
def test_over_a_network_protocol(
    client_of: MakeClient, repository: Repo, serve: gitops.Serve
) -> None:
    first = gitops.release(repository, "backend", "dev", "1.0")
    with serve(repository) as url:
        client = client_of(GITOPS_REPOSITORY=url)
        body = client.get("/api/v1/status").json()
        assert body["status"] == "ok", body["reason"]
        assert body["source"]["repository"] == url
        assert body["environments"][0]["services"][0]["lastPromotion"]["commit"] == first

        second = gitops.release(repository, "backend", "dev", "1.1", at=gitops.TIME + 60)
        service = client.get("/api/v1/environments/dev").json()["services"][0]
        assert (service["version"], service["lastPromotion"]["commit"]) == ("1.1", second)


def test_history_that_was_cut_off_is_not_guessed(client_of: MakeClient, repository: Repo) -> None:
    gitops.release(repository, "backend", "dev", "1.0")
    newest = ""
    for number in range(3):
        newest = gitops.release(repository, "frontend", "dev", f"1.{number}")
    with gitops.git_daemon(repository) as url:
        client = client_of(GITOPS_REPOSITORY=url, GITOPS_HISTORY="3")
        backend, frontend = client.get("/api/v1/environments/dev").json()["services"]
        assert (backend["version"], backend["lastPromotion"]) == ("1.0", None)
        assert frontend["lastPromotion"]["commit"] == newest

        later = gitops.release(repository, "backend", "dev", "2.0")
        backend, frontend = client.get("/api/v1/environments/dev").json()["services"]
        assert backend["lastPromotion"]["commit"] == later
        assert frontend["lastPromotion"]["commit"] == newest


def test_a_rewritten_branch_is_followed(client_of: MakeClient, repository: Repo) -> None:
    first = gitops.release(repository, "backend", "dev", "1.0")
    gitops.release(repository, "backend", "dev", "1.1")
    with gitops.git_daemon(repository) as url:
        client = client_of(GITOPS_REPOSITORY=url)
        client.get("/api/v1/status")
        repository.refs[Ref(b"refs/heads/main")] = ObjectID(first.encode())
        service = client.get("/api/v1/environments/dev").json()["services"][0]
        assert (service["version"], service["lastPromotion"]["commit"]) == ("1.0", first)


def test_answers_are_kept_for_a_while(client_of: MakeClient, repository: Repo) -> None:
    gitops.release(repository, "backend", "dev", "1.0")
    client = client_of(GITOPS_REPOSITORY=repository.path, GITOPS_CACHE_SECONDS="60")
    first = client.get("/api/v1/status").json()
    gitops.release(repository, "backend", "dev", "1.1")
    assert client.get("/api/v1/status").json() == first
    assert 'gitops_reads_total{result="ok"} 1.0' in client.get("/metrics").text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: [", "not valid YAML"),
        ("- a", "not a mapping"),
        (gitops.record("backend", "dev", "''"), "version is missing or not text"),
        (gitops.record("backend", "prod", "1"), "env is prod, not dev"),
    ],
)
def test_a_broken_record_says_so_and_spares_the_rest(
    client_of: MakeClient, repository: Repo, text: str, reason: str
) -> None:
    gitops.commit(repository, {"env/dev/backend/release.yaml": text}, "Break it")
    gitops.release(repository, "frontend", "dev", "1.0")
    body = client_of(GITOPS_REPOSITORY=repository.path).get("/api/v1/environments/dev").json()
    broken, whole = body["services"]
    assert (broken["status"], broken["version"]) == ("unknown", None)
    assert broken["reason"].startswith(f"env/dev/backend/release.yaml: {reason}")
    assert (whole["status"], whole["version"]) == ("ok", "1.0")


def test_environments(client_of: MakeClient, repository: Repo) -> None:
    gitops.release(repository, "backend", "preview", "1.0")
    client = client_of(GITOPS_REPOSITORY=repository.path)
    body = client.get("/api/v1/environments").json()
    assert [e["name"] for e in body["environments"]] == ["dev", "stage", "prod", "preview"]
    missing = client.get("/api/v1/environments/moon")
    assert missing.status_code == 404
    assert missing.json() == {
        "error": {
            "code": "not_found",
            "message": "there is no environment moon; there are dev, stage, prod, preview",
        }
    }


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("/no/such/folder", "no Git repository was found there"),
        ("http://user:s3cret@127.0.0.1:9/r.git", "the connection was refused"),
        ("git://127.0.0.1:9/r.git", "the connection was refused"),
        ("ftp://user:s3cret@example.org/r.git", "ftp:// is not supported; use http, https, git"),
    ],
)
def test_unreachable_says_why_and_no_secret(client_of: MakeClient, url: str, reason: str) -> None:
    answer = client_of(GITOPS_REPOSITORY=url).get("/api/v1/status")
    assert answer.status_code == 200
    assert answer.json()["status"] == "unknown"
    assert reason in answer.json()["reason"]
    assert all(not e["services"] for e in answer.json()["environments"])
    assert "s3cret" not in answer.text


def test_an_empty_repository_has_no_branch(client_of: MakeClient, repository: Repo) -> None:
    reason = client_of(GITOPS_REPOSITORY=repository.path).get("/api/v1/status").json()["reason"]
    assert reason.endswith("it has no branch main")
    with gitops.git_daemon(repository) as url:
        reason = client_of(GITOPS_REPOSITORY=url).get("/api/v1/status").json()["reason"]
        assert reason.endswith("it has no branch main")


@pytest.mark.parametrize("scheme", ["git", "http"])
def test_a_server_that_never_answers_costs_the_timeout_only(
    client_of: MakeClient, scheme: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/r.git"
        client = client_of(GITOPS_REPOSITORY=url, GITOPS_TIMEOUT_SECONDS="0.3")
        begin = time.monotonic()
        body = client.get("/api/v1/status").json()
        assert time.monotonic() - begin < 2
        assert body["status"] == "unknown"
        assert body["reason"].endswith(("did not answer within 0.3 s", "did not answer in time"))
