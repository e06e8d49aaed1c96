"""Gets the tip of the GitOps repository: from a path, or over HTTP(S) or the git protocol.

Remote repositories are kept in memory, since the container's file system is read-only.
"""

import socket
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit, urlunsplit

from dulwich.client import (
    GitClient,
    HTTPUnauthorized,
    default_urllib3_manager,
    get_transport_and_path_from_url,
)
from dulwich.config import ConfigDict
from dulwich.errors import NotGitRepository
from dulwich.objects import ObjectID
from dulwich.refs import Ref
from dulwich.repo import MemoryRepo, Repo
from urllib3 import PoolManager, Retry
from urllib3.exceptions import TimeoutError as HttpTimeout

_REMOTE = ("http", "https", "git")


class SourceError(Exception):
    """The repository could not be read; its text is the sentence for a person."""


class GitSource:
    """One branch of one repository."""

    def __init__(self, url: str, branch: str, timeout: float, history: int) -> None:
        self._url = url
        self._branch = branch
        self._history = history
        self._memory = MemoryRepo()
        # Nobody's Git configuration but this, so that every place behaves alike.
        self._config = ConfigDict()
        manager = default_urllib3_manager(self._config, base_url=url, timeout=timeout)
        self._http = manager if isinstance(manager, PoolManager) else None
        if self._http is not None:
            # The next reading is the next try.
            self._http.connection_pool_kw["retries"] = Retry(0, redirect=3)
        self.name = without_credentials(url)

    def tip(self) -> tuple[MemoryRepo | Repo, ObjectID]:
        """Return a repository that holds the branch's tip, and the tip's commit id."""
        try:
            scheme = urlsplit(self._url).scheme if "://" in self._url else "file"
            if scheme in _REMOTE:
                tip = self._fetch()
                return self._memory, tip
            if scheme == "file":
                return self._open()
        except SourceError:
            raise
        except Exception as error:
            raise self._failed(_plainly(error)) from error
        raise self._failed(f"{scheme}:// is not supported; use http, https, git or a path")

    def _open(self) -> tuple[MemoryRepo | Repo, ObjectID]:
        repository = Repo(self._url.removeprefix("file://"))
        return repository, self._tip_of(repository.get_refs())

    def _fetch(self) -> ObjectID:
        client, path = get_transport_and_path_from_url(
            self._url, config=self._config, pool_manager=self._http
        )
        fresh = not any(True for _ in self._memory.object_store)
        try:
            return self._receive(client, path, self._history if fresh else None)
        except SourceError:
            raise
        except Exception:
            # What was half received must not be built upon; and some servers refuse
            # to add to a history that was cut off: then it is fetched again.
            self._memory = MemoryRepo()
            if fresh:
                raise
            return self._receive(client, path, self._history)

    def _receive(self, client: GitClient, path: str, depth: int | None) -> ObjectID:
        def wants(refs: Mapping[Ref, ObjectID], depth: int | None = None) -> list[ObjectID]:
            tip = refs.get(self._ref)
            return [tip] if tip and tip not in self._memory.object_store else []

        found = client.fetch(
            path, self._memory, determine_wants=wants, depth=depth, ref_prefix=[self._ref]
        )
        tip = self._tip_of({name: tip for name, tip in found.refs.items() if tip})
        # What a reference names is what the next reading tells the server it has.
        self._memory.refs[self._ref] = tip
        return tip

    def _tip_of(self, refs: Mapping[Ref, ObjectID]) -> ObjectID:
        tip = refs.get(self._ref)
        if tip is None:
            raise self._failed(f"it has no branch {self._branch}")
        return tip

    @property
    def _ref(self) -> Ref:
        return Ref(b"refs/heads/" + self._branch.encode())

    def _failed(self, found: str) -> SourceError:
        secret = urlsplit(self._url).password
        text = found.replace(self._url, self.name)
        if secret:
            text = text.replace(secret, "***")
        return SourceError(f"reading the GitOps repository {self.name}: {text}")


def without_credentials(url: str) -> str:
    """Return the URL without user name and password, fit to be shown."""
    if "://" not in url:
        return url
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _plainly(error: BaseException) -> str:
    """Say in plain words what is at the bottom of an error's chain of causes."""
    words: list[tuple[type[BaseException], str]] = [
        (NotGitRepository, "no Git repository was found there"),
        (HTTPUnauthorized, "access was denied"),
        (ConnectionRefusedError, "the connection was refused"),
        (socket.gaierror, "the host name could not be resolved"),
        (HttpTimeout, "it did not answer in time"),
        (TimeoutError, "it did not answer in time"),
    ]
    chain = list(_chain(error))
    for kind, text in words:
        if any(isinstance(link, kind) for link in chain):
            return text
    return str(error) or type(error).__name__


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        reason = getattr(current, "reason", None)  # urllib3 keeps its cause here
        inner = reason if isinstance(reason, BaseException) else None
        current = inner or current.__cause__ or current.__context__
