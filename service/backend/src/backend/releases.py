"""Turns the release records of a GitOps repository into the platform's status."""

from datetime import UTC, datetime

import yaml
from dulwich.repo import BaseRepo

from .history import Reader, commit_time
from .models import EnvironmentStatus, PlatformStatus, ServiceStatus, Source
from .settings import Settings

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
                services=[
                    _service(reader, tip, tree, env, service)
                    for service in reader.folders(tree, "env", env)
                ],
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
    return ServiceStatus(
        name=service,
        owner=record["owner"],
        version=record["version"],
        source_revision=record["sourceRevision"],
        source_time=record["sourceTime"],
        digest=record["digest"],
        image=record["image"],
        last_promotion=reader.last_change(tip, *path),
    )


def _unreadable(service: str, path: tuple[str, ...], found: str) -> ServiceStatus:
    return ServiceStatus(name=service, status="unknown", reason=f"{'/'.join(path)}: {found}")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
