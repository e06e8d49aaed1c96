"""Finds files and the commits that last changed them in a Git repository."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

from dulwich.objects import Blob, Commit, ObjectID, ShaFile, Tree
from dulwich.repo import BaseRepo

from .models import Promotion

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


def trailers(message: str) -> dict[str, str]:
    """Return the trailers of a commit message: its last paragraph's `Key: value` lines."""
    paragraphs = re.split(r"\n\s*\n", message.strip())
    if len(paragraphs) < 2:  # noqa: PLR2004 - a subject alone has no trailers
        return {}
    found = (_TRAILER.match(line) for line in paragraphs[-1].splitlines())
    return {match[1].lower(): match[2].strip() for match in found if match}


def _promotion(commit: Commit) -> Promotion:
    author = commit.author.decode("utf-8", "replace").partition(" <")[0]
    found = trailers(commit.message.decode("utf-8", "replace"))
    return Promotion(
        commit=commit.id.decode(),
        time=commit_time(commit),
        author=author,
        run_id=found.get("run-id"),
    )
