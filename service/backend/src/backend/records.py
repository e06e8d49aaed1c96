"""Reads the pipeline's records and holds, and checks them as its writers do.

What was damaged or edited by hand is said with file, line and reason, never shown as right.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from .models import Gate, Hold, Record, Replaced

_RECORD = (
    *("apiVersion", "kind", "service", "env", "action", "run", "by", "at", "version"),
    *("sourceRevision", "digest", "from", "reason", "evidence", "gates", "previous", "files"),
    "checksum",
)
_OPTIONAL = ("from", "reason", "previous")
_NOT_TEXT = ("evidence", "gates", "previous", "files")
_HOLD = ("apiVersion", "kind", "service", "env", "digest", "version", "reason", "by", "run", "at")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_SUM = 66  # 64 hex digits and two spaces


class DamagedError(Exception):
    """A file that cannot be believed; its text is the sentence for a person."""


def read_record(path: str, content: bytes, files: Mapping[str, bytes]) -> Record:
    """Return the record of a release whose folder holds `files`, or raise DamagedError."""
    found, lines = _mapping(path, content, _RECORD, _OPTIONAL, _NOT_TEXT)
    above = content[: content.rfind(b"checksum:")]
    if found["checksum"] != hashlib.sha256(above).hexdigest():
        raise DamagedError(
            f"{path}:{lines['checksum']}: checksum: it does not fit what stands above it, "
            "so the record was edited by hand"
        )
    if found["kind"] != "Record":
        raise DamagedError(f"{path}:{lines['kind']}: kind: {found['kind']} is not Record")
    _, env, service, _ = path.split("/")
    for field, expected in (("service", service), ("env", env)):
        if found[field] != expected:
            raise DamagedError(
                f"{path}:{lines[field]}: {field}: it is not the folder's, {expected}"
            )
    _same_files(path, found["files"], files)
    previous = found.get("previous")
    try:
        return Record(
            action=found["action"],
            since=found["at"],
            run=found["run"],
            by=found["by"],
            origin=found.get("from"),
            reason=found.get("reason"),
            gates=[
                Gate(gate=g["gate"], passed=g["passed"] == "true", evidence=g["evidence"])
                for g in found["gates"]
            ],
            previous=Replaced(**previous) if previous else None,
        )
    except (TypeError, KeyError, ValueError) as error:
        raise DamagedError(f"{path}: it is not a record: {error}") from error


def _same_files(path: str, sums: list[str], files: Mapping[str, bytes]) -> None:
    folder = path.removesuffix("/record.yaml")
    now = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    then = {line[_SUM:]: line[:64] for line in sums if isinstance(line, str)}
    for name in sorted({*now, *then} - {"record.yaml"}):
        if name not in now:
            raise DamagedError(f"{folder}/{name}: it is gone; somebody removed it by hand")
        if name not in then:
            raise DamagedError(f"{folder}/{name}: no release put it there")
        if now[name] != then[name]:
            raise DamagedError(
                f"{folder}/{name}: its content is not what was released; it was edited by hand"
            )


def read_hold(path: str, content: bytes) -> tuple[str, Hold]:
    """Return the service that a hold is for, and the hold; or raise DamagedError."""
    found, lines = _mapping(path, content, _HOLD)
    if not _DIGEST.fullmatch(found["digest"]):
        raise DamagedError(f"{path}:{lines['digest']}: digest: it is not sha256: and 64 hex digits")
    place = (
        f"holds/{found['env']}/{found['service']}/{found['digest'].removeprefix('sha256:')}.yaml"
    )
    if place != path:
        raise DamagedError(f"{path}: what it holds belongs at {place}")
    return found["service"], Hold(
        digest=found["digest"],
        version=found["version"],
        env=found["env"],
        reason=found["reason"],
        by=found["by"],
        since=found["at"],
    )


def _mapping(
    path: str,
    content: bytes,
    known: Iterable[str],
    optional: Iterable[str] = (),
    not_text: Iterable[str] = (),
) -> tuple[dict[str, Any], dict[str, int]]:
    """Return the fields of a YAML mapping as text, and the line that each stands on."""
    try:
        node = yaml.compose(content.decode(), Loader=yaml.BaseLoader)
        loader = yaml.BaseLoader("")
        if not isinstance(node, yaml.MappingNode):
            raise DamagedError(f"{path}: it is not a mapping")
        lines = {str(key.value): key.start_mark.line + 1 for key, _ in node.value}
        found = {
            str(key): value for key, value in loader.construct_mapping(node, deep=True).items()
        }
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise DamagedError(f"{path}{line}: not valid YAML: {error.problem}") from error
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise DamagedError(f"{path}: not valid YAML: {error}") from error
    for field, line in lines.items():
        if field not in known:
            raise DamagedError(f"{path}:{line}: {field}: unknown field")
    for field in known:
        if field not in found:
            if field not in optional:
                raise DamagedError(f"{path}: {field}: missing")
        elif field not in not_text and (not isinstance(found[field], str) or not found[field]):
            raise DamagedError(f"{path}:{lines[field]}: {field}: it is not text")
    return found, lines
