"""Makes real Git repositories, and serves them over real protocols."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from wsgiref.simple_server import make_server

from dulwich.repo import Repo
from dulwich.server import BackendRepo, DictBackend, TCPGitServer
from dulwich.web import WSGIRequestHandlerLogger, WSGIServerLogger, make_wsgi_chain

Serve = Callable[[Repo], AbstractContextManager[str]]

REVISION = "1234567e1234567890123456789012345678abcd"
DIGEST = "sha256:" + "ab" * 32
TIME = 1_795_312_800  # 2026-11-22T02:00:00Z


def create(folder: Path) -> Repo:
    """Return a new repository with a branch `main` and no commit yet."""
    return Repo.init(str(folder), mkdir=True, default_branch=b"main")


def record(service: str, env: str, version: str) -> str:
    """Return a release record as the pipeline writes it."""
    return f"""apiVersion: golden-path/v1
kind: Release
service: {service}
owner: team-platform
env: {env}
version: {version}
sourceRevision: {REVISION}
sourceTime: 2026-11-22T02:00:00Z
image: registry.golden-path.internal/{service}@{DIGEST}
digest: {DIGEST}
"""


def commit(repository: Repo, files: dict[str, str], message: str, at: int = TIME) -> str:
    """Commit files as `Pipeline`, two hours east of Greenwich; return the commit id."""
    tree = repository.get_worktree()
    for name, text in files.items():
        path = Path(repository.path, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    tree.stage(list(files))
    who = b"Pipeline <pipeline@example.org>"
    return tree.commit(
        message.encode(),
        author=who,
        committer=who,
        commit_timestamp=at,
        author_timestamp=at,
        commit_timezone=7200,
        author_timezone=7200,
        sign=False,
    ).decode()


def release(  # noqa: PLR0913 - what a release is
    repository: Repo, service: str, env: str, version: str, *, run: str = "", at: int = TIME
) -> str:
    """Commit a release record with the trailers of a promotion; return the commit id."""
    message = f"Release {service} {version} to {env}\n\nGolden-Path-Env: {env}\n"
    if run:
        message += f"Run-Id: {run}\n"
    path = f"env/{env}/{service}/release.yaml"
    return commit(repository, {path: record(service, env, version)}, message, at)


@contextmanager
def git_daemon(repository: Repo) -> Iterator[str]:
    """Serve a repository over git://."""
    server = TCPGitServer(_backend(repository), "127.0.0.1", port=0)
    with _running(server):
        yield f"git://127.0.0.1:{server.server_address[1]}/gitops.git"


@contextmanager
def http_server(repository: Repo) -> Iterator[str]:
    """Serve a repository over smart HTTP."""
    server = make_server(
        "127.0.0.1",
        0,
        make_wsgi_chain(_backend(repository)),
        server_class=WSGIServerLogger,
        handler_class=WSGIRequestHandlerLogger,
    )
    with _running(server):
        yield f"http://127.0.0.1:{server.server_address[1]}/gitops.git"


def _backend(repository: Repo) -> DictBackend:
    repositories: dict[str, BackendRepo] = {"/gitops.git": repository}
    return DictBackend(repositories)


@contextmanager
def _running(server: Any) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
