"""Turns the release records of a GitOps repository into the platform's status."""

from datetime import UTC, datetime

import yaml
from dulwich.repo import BaseRepo

from .history import Reader, commit_time
from .models import EnvironmentStatus, Hold, PlatformStatus, Record, ServiceStatus, Source
from .records import DamagedError, read_hold, read_record
from .settings import Settings

_HISTORY = 10
_FIELDS = ("owner", "version", "sourceRevision", "sourceTime", "digest", "image")


def read_status(
    repository: BaseRepo, tip: bytes, source: str, settings: Settings
) -> PlatformStatus:
    """Read `env/<environment>/<service>/release.yaml` as of the commit `tip`."""
    reader = Reader(repository)
    commit = reader.commit(tip)
    if commit is None:
        raise ValueError(f"{tip.decode()} is not a commit")
    tree = commit.tree
    present = list(reader.folders(tree, "env"))
    names = [*settings.environments, *(e for e in present if e not in settings.environments)]
    holds, unreadable = _holds(reader, tree)
    return PlatformStatus(
        status="ok",
        observed_at=datetime.now(UTC),
        source=Source(
            repository=source,
            branch=settings.gitops_branch,
            revision=tip.decode(),
            time=commit_time(commit),
        ),
        environments=[
            EnvironmentStatus(
                name=env,
                status="ok",
                # A hold that nobody can read may hold anything.
                reason=unreadable.get(env),
                services=[
                    _service(reader, tip, tree, env, service).model_copy(
                        update={
                            "holds": None
                            if env in unreadable
                            else _held(holds, names[: names.index(env) + 1], service)
                        }
                    )
                    for service in reader.folders(tree, "env", env)
                ],
                history=reader.changes(tip, env, _HISTORY),
            )
            for env in names
        ],
    )


def _service(reader: Reader, tip: bytes, tree: bytes, env: str, service: str) -> ServiceStatus:
    path = ("env", env, service, "release.yaml")
    text = reader.file(tree, *path)
    if text is None:
        return _unreadable(service, path, "there is no such file")
    try:
        # BaseLoader keeps every scalar as text: a revision such as 12345e7 is no number.
        record = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - builds only text
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        return _unreadable(service, path, f"not valid YAML: {_first_line(error)}")
    if not isinstance(record, dict):
        return _unreadable(service, path, "not a mapping")
    for field in ("service", "env", *_FIELDS):
        if not isinstance(record.get(field), str) or not record[field]:
            return _unreadable(service, path, f"{field} is missing or not text")
    for field, expected in (("service", service), ("env", env)):
        if record[field] != expected:
            return _unreadable(service, path, f"{field} is {record[field]}, not {expected}")
    recorded, damage = _record(reader, tree, env, service)
    return ServiceStatus(
        name=service,
        reason=damage,
        owner=record["owner"],
        version=record["version"],
        source_revision=record["sourceRevision"],
        source_time=record["sourceTime"],
        digest=record["digest"],
        image=record["image"],
        last_promotion=reader.last_change(tip, *path),
        record=recorded,
    )


def _record(
    reader: Reader, tree: bytes, env: str, service: str
) -> tuple[Record | None, str | None]:
    """Return how a release came to stand there; or what is wrong with what says so."""
    files = dict(reader.files(tree, "env", env, service))
    if "record.yaml" not in files:  # released before there were any
        return None, None
    path = f"env/{env}/{service}/record.yaml"
    try:
        return read_record(path, files["record.yaml"], files), None
    except DamagedError as error:
        return None, str(error)


def _holds(reader: Reader, tree: bytes) -> tuple[list[tuple[str, Hold]], dict[str, str]]:
    """Return every hold with its service; and by environment what is wrong with its holds."""
    found: list[tuple[str, Hold]] = []
    wrong: dict[str, str] = {}
    for name, content in sorted(reader.files(tree, "holds")):
        try:
            found.append(read_hold(f"holds/{name}", content))
        except DamagedError as error:
            wrong.setdefault(name.partition("/")[0], str(error))
    return found, wrong


def _held(holds: list[tuple[str, Hold]], up_to: list[str], service: str) -> list[Hold]:
    """Return what an environment must not get: what is held there, or in one before it."""
    return [hold for name, hold in holds if name == service and hold.env in up_to]


def _unreadable(service: str, path: tuple[str, ...], found: str) -> ServiceStatus:
    return ServiceStatus(name=service, status="unknown", reason=f"{'/'.join(path)}: {found}")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
