"""Finds files and the commits that last changed them in a Git repository."""

import heapq
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

from dulwich.objects import Blob, Commit, ObjectID, ShaFile, Tree
from dulwich.repo import BaseRepo

from .models import HistoryEntry, HistoryRelease, Promotion

_VERBS = ("release", "promote", "rollback", "lift")
_TRAILER = re.compile(r"^([A-Za-z0-9-]+): (.*)$")


class Reader:
    """Reads trees and history; remembers paths it has looked up already."""

    def __init__(self, repository: BaseRepo) -> None:
        self._objects = repository.object_store
        self._found: dict[tuple[bytes, tuple[bytes, ...]], bytes | None] = {}

    def commit(self, commit_id: bytes) -> Commit | None:
        """Return a commit, or None where the history was cut off before it."""
        found = self._get(commit_id)
        return found if isinstance(found, Commit) else None

    def folders(self, tree_id: bytes, *path: str) -> Iterator[str]:
        """Yield the names of the folders inside a folder, in order."""
        folder = self._find(tree_id, tuple(p.encode() for p in path))
        tree = self._get(folder)
        for entry in tree.items() if isinstance(tree, Tree) else []:
            if entry.path and isinstance(self._get(entry.sha), Tree):
                yield entry.path.decode("utf-8", "replace")

    def files(self, tree_id: bytes, *path: str) -> Iterator[tuple[str, bytes]]:
        """Yield every file below a folder: its path in there, and its content."""
        tree = self._get(self._find(tree_id, tuple(p.encode() for p in path)))
        for entry in tree.items() if isinstance(tree, Tree) else []:
            found = self._get(entry.sha) if entry.path else None
            name = (entry.path or b"").decode("utf-8", "replace")
            if isinstance(found, Blob):
                yield name, found.as_raw_string()
            elif isinstance(found, Tree):
                for inner, content in self.files(entry.sha):
                    yield f"{name}/{inner}", content

    def file(self, tree_id: bytes, *path: str) -> bytes | None:
        """Return a file's content, or None when there is no such file."""
        found = self._find(tree_id, tuple(p.encode() for p in path))
        blob = self._get(found)
        return blob.as_raw_string() if isinstance(blob, Blob) else None

    def last_change(self, tip: bytes, *path: str) -> Promotion | None:
        """Return the commit that gave the file its present content.

        Follows, like `git log -- path`, any parent that has the same content. None
        when the history at hand does not reach back far enough to tell.
        """
        names = tuple(p.encode() for p in path)
        current = self.commit(tip)
        wanted = self._find(current.tree, names) if current else None
        while current is not None and wanted is not None:
            parents = [self.commit(parent) for parent in current.parents]
            same = [p for p in parents if p is not None and self._find(p.tree, names) == wanted]
            if not same and None in parents:
                return None
            if not same:
                return _promotion(current)
            current = same[0]
        return None

    def changes(self, tip: bytes, env: str, most: int) -> list[HistoryEntry]:
        """Return the commits that changed an environment or its holds, newest first.

        As `git log` does, a merge is passed along the parent that has the same content.
        """
        places = [(b"env", env.encode()), (b"holds", env.encode())]
        found: list[HistoryEntry] = []
        first = self.commit(tip)
        queue = [(-first.commit_time, first.id)] if first else []
        seen = {first.id} if first else set()
        while queue and len(found) < most:
            current = self.commit(heapq.heappop(queue)[1])
            if current is None:
                continue
            parents = [self.commit(parent) for parent in current.parents]
            if None in parents:
                break  # the history at hand ends here
            here = [self._find(current.tree, place) for place in places]
            known = [parent for parent in parents if parent is not None]
            same = [p for p in known if [self._find(p.tree, place) for place in places] == here]
            if not same and (known or any(here)):
                found.append(self._entry(current, env))
            for parent in same[:1] or known:
                if parent.id not in seen:
                    seen.add(parent.id)
                    heapq.heappush(queue, (-parent.commit_time, parent.id))
        return found

    def _entry(self, commit: Commit, env: str) -> HistoryEntry:
        message = commit.message.decode("utf-8", "replace").strip()
        subject = message.split("\n", 1)[0]
        said = values(message)
        verb = next((v for v in _VERBS if subject.startswith(f"{v}(")), None)
        ours = verb is not None and said.get("golden-path-env") == [env]
        names = said.get("golden-path-service", []) if ours else []
        digests = dict(v.partition("=")[::2] for v in said.get("image-digest", []))
        paragraphs = re.split(r"\n\s*\n", message)
        return HistoryEntry(
            commit=commit.id.decode(),
            at=commit_time(commit),
            author=commit.author.decode("utf-8", "replace").partition(" <")[0],
            action=verb if ours and verb else "changed by hand",
            subject=subject,
            services=[
                HistoryRelease(
                    service=name,
                    version=self._version(commit.tree, env, name) if verb != "lift" else None,
                    digest=digests.get(name),
                )
                for name in names
            ],
            run=said.get("run-id", [None])[0] if ours else None,
            by=said.get("run-by", [None])[0] if ours else None,
            reason=paragraphs[1] if ours and verb in ("rollback", "lift") else None,
        )

    def _version(self, tree_id: bytes, env: str, service: str) -> str | None:
        text = self.file(tree_id, "env", env, service, "release.yaml") or b""
        found = re.search(rb"^version: (\S+)$", text, re.MULTILINE)
        return found[1].decode("utf-8", "replace") if found else None

    def _get(self, object_id: bytes | None) -> ShaFile | None:
        try:
            return self._objects[ObjectID(object_id)] if object_id else None
        except KeyError:  # cut off, or another repository's (a submodule)
            return None

    def _find(self, tree_id: bytes, path: tuple[bytes, ...]) -> bytes | None:
        if not path:
            return tree_id
        # Trees are shared by most commits: remembering makes the walk cheap.
        key = (tree_id, path)
        if key not in self._found:
            tree = self._get(tree_id)
            inner = None
            if isinstance(tree, Tree) and path[0] in tree:
                inner = self._find(tree[path[0]][1], path[1:])
            self._found[key] = inner
        return self._found[key]


def commit_time(commit: Commit) -> datetime:
    """Return when the commit was made, in its own time zone."""
    zone = timezone(timedelta(seconds=commit.commit_timezone or 0))
    return datetime.fromtimestamp(commit.commit_time, UTC).astimezone(zone)


def values(message: str) -> dict[str, list[str]]:
    """Return the trailers of a commit message: its last paragraph's `Key: value` lines."""
    paragraphs = re.split(r"\n\s*\n", message.strip())
    found: dict[str, list[str]] = {}
    if len(paragraphs) < 2:  # noqa: PLR2004 - a subject alone has no trailers
        return found
    for line in paragraphs[-1].splitlines():
        if match := _TRAILER.match(line):
            found.setdefault(match[1].lower(), []).append(match[2].strip())
    return found


def _promotion(commit: Commit) -> Promotion:
    author = commit.author.decode("utf-8", "replace").partition(" <")[0]
    found = values(commit.message.decode("utf-8", "replace"))
    return Promotion(
        commit=commit.id.decode(),
        time=commit_time(commit),
        author=author,
        run_id=found.get("run-id", [None])[-1],
    )
