import hashlib
from pathlib import Path

import pytest
from dulwich.repo import Repo

from . import gitops
from .conftest import MakeClient

FOLDER = "env/stage/backend"
BAD = "sha256:" + "cd" * 32
HOLD = f"holds/stage/backend/{'cd' * 32}.yaml"


@pytest.fixture
def repository(tmp_path: Path) -> Repo:
    return gitops.create(tmp_path / "gitops")


def recorded(release: str) -> str:
    """Return the record of a release whose folder holds its release.yaml alone."""
    above = f"""# Written by the pipeline and checked whenever it is read.
apiVersion: golden-path/v1
kind: Record
service: backend
env: stage
action: rollback
run: run-3
by: pat
at: 2026-11-22T02:00:00Z
version: "1.0"
sourceRevision: {gitops.REVISION}
digest: {gitops.DIGEST}
from: {"a" * 40}
reason: it answers 500
evidence:
  provenBy: run-1
gates:
  - gate: image
    passed: true
    evidence: the registry has it
previous:
  version: "1.1"
  digest: {BAD}
files:
  - {hashlib.sha256(release.encode()).hexdigest()}  release.yaml
"""
    return f"{above}checksum: {hashlib.sha256(above.encode()).hexdigest()}\n"


def hold() -> str:
    return f"""apiVersion: golden-path/v1
kind: Hold
service: backend
env: stage
digest: {BAD}
version: "1.1"
reason: it answers 500
by: pat
run: run-3
at: 2026-11-22T02:00:00Z
"""


def rolled_back(repository: Repo) -> dict[str, str]:
    release = gitops.record("backend", "stage", "'1.0'")
    files = {
        f"{FOLDER}/release.yaml": release,
        f"{FOLDER}/record.yaml": recorded(release),
        HOLD: hold(),
    }
    message = (
        "rollback(stage): backend 1.0\n\nit answers 500\n\n- backend 1.0\n\n"
        "Golden-Path-Env: stage\nGolden-Path-Service: backend\n"
        f"Image-Digest: backend={gitops.DIGEST}\n"
        "Run-Id: run-3\nRun-By: pat\n"
    )
    gitops.commit(repository, files, message)
    return files


def test_how_a_release_came_there_and_what_is_held(client_of: MakeClient, repository: Repo) -> None:
    rolled_back(repository)
    gitops.release(repository, "backend", "prod", "1.0", at=gitops.TIME + 60)
    client = client_of(GITOPS_REPOSITORY=repository.path)
    stage = client.get("/api/v1/environments/stage").json()
    service = stage["services"][0]
    assert (service["status"], service["reason"]) == ("ok", None)
    assert service["record"] == {
        "action": "rollback",
        "since": "2026-11-22T02:00:00Z",
        "run": "run-3",
        "by": "pat",
        "from": "a" * 40,
        "reason": "it answers 500",
        "gates": [{"gate": "image", "passed": True, "evidence": "the registry has it"}],
        "previous": {"version": "1.1", "digest": BAD},
    }
    held = {"digest": BAD, "version": "1.1", "env": "stage", "reason": "it answers 500"}
    assert service["holds"] == [{**held, "by": "pat", "since": "2026-11-22T02:00:00Z"}]
    # What is held in stage is held in prod; dev knows nothing of it.
    prod = client.get("/api/v1/environments/prod").json()
    assert [h["digest"] for h in prod["services"][0]["holds"]] == [BAD]


def test_history_of_an_environment(client_of: MakeClient, repository: Repo) -> None:
    rolled_back(repository)
    gitops.release(repository, "backend", "dev", "2.0", at=gitops.TIME + 60)
    gitops.commit(repository, {f"{FOLDER}/notes.txt": "mine"}, "A note", gitops.TIME + 120)
    client = client_of(GITOPS_REPOSITORY=repository.path)
    stage = client.get("/api/v1/environments/stage").json()
    by_hand, rollback = stage["history"]
    assert (by_hand["action"], by_hand["subject"], by_hand["run"]) == (
        "changed by hand",
        "A note",
        None,
    )
    assert rollback["action"] == "rollback"
    assert (rollback["run"], rollback["by"], rollback["reason"]) == (
        "run-3",
        "pat",
        "it answers 500",
    )
    assert rollback["services"] == [
        {"service": "backend", "version": "'1.0'", "digest": gitops.DIGEST}
    ]
    found = f"{FOLDER}/notes.txt: no release put it there"
    assert stage["services"][0]["reason"] == found


@pytest.mark.parametrize(
    ("path", "old", "new", "reason"),
    [
        ("record.yaml", "by: pat", "by: eve", "record.yaml:26: checksum: it does not fit"),
        ("record.yaml", "run: run-3\n", "", "record.yaml: run: missing"),
        ("record.yaml", "run:", "urn:", "record.yaml:7: urn: unknown field"),
        ("record.yaml", "gates:", "gates: [", "not valid YAML"),
        ("release.yaml", "team-platform", "team-x", "release.yaml: its content is not what was"),
    ],
)
def test_what_was_edited_by_hand_is_said(  # noqa: PLR0913, PLR0917 - a table's columns
    client_of: MakeClient, repository: Repo, path: str, old: str, new: str, reason: str
) -> None:
    files = rolled_back(repository)
    place = f"{FOLDER}/{path}"
    gitops.commit(repository, {place: files[place].replace(old, new)}, "By hand")
    client = client_of(GITOPS_REPOSITORY=repository.path)
    service = client.get("/api/v1/environments/stage").json()["services"][0]
    assert service["reason"].startswith(f"{FOLDER}/")
    assert reason in service["reason"]
    assert service["record"] is None
    assert service["digest"] == gitops.DIGEST


def test_a_hold_that_cannot_be_read_is_not_taken_for_none(
    client_of: MakeClient, repository: Repo
) -> None:
    rolled_back(repository)
    gitops.commit(repository, {HOLD: hold().replace("stage", "prod")}, "By hand")
    stage = client_of(GITOPS_REPOSITORY=repository.path).get("/api/v1/environments/stage").json()
    assert stage["reason"].startswith(f"{HOLD}: what it holds belongs at holds/prod/backend/")
    assert stage["services"][0]["holds"] is None
