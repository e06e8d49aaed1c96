"""What the API answers. JSON names are camelCase; `null` and "unknown" mean not known."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Known = Literal["ok", "unknown"]


class Model(BaseModel):
    """Base of all answers."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, serialize_by_alias=True, frozen=True
    )


class State(Model):
    """Answer of a probe."""

    status: str


class Version(Model):
    """What is running here."""

    name: str
    version: str
    source_revision: str
    build_time: str


class Promotion(Model):
    """The commit that last changed a release record."""

    commit: str
    time: datetime
    author: str
    run_id: str | None = None


class Hold(Model):
    """A digest that must not be promoted, and why."""

    digest: str
    version: str
    env: str
    reason: str
    by: str
    since: str


class Gate(Model):
    """One gate's answer, and what it judged by."""

    gate: str
    passed: bool
    evidence: str


class Replaced(Model):
    """What stood there before."""

    version: str
    digest: str


class Record(Model):
    """How a release came to stand where it stands."""

    action: str
    since: str
    run: str
    by: str
    origin: str | None = Field(default=None, alias="from")
    reason: str | None = None
    gates: list[Gate] = []
    previous: Replaced | None = None


class HistoryRelease(Model):
    """One service in a commit."""

    service: str
    version: str | None = None
    digest: str | None = None


class HistoryEntry(Model):
    """One commit that touched an environment."""

    commit: str
    at: datetime
    author: str
    action: str
    subject: str
    services: list[HistoryRelease] = []
    run: str | None = None
    by: str | None = None
    reason: str | None = None


class Live(Model):
    """What Argo CD says of one service in one environment."""

    sync: str
    health: str
    revision: str | None = None
    operation: str | None = None
    reconciled_at: str | None = None
    message: str | None = None


class LiveSource(Model):
    """Whether Argo CD could be asked, and when that was."""

    status: Known
    reason: str | None = None
    observed_at: datetime | None = None


class ServiceStatus(Model):
    """One service in one environment: its release record, and what Argo CD says of it."""

    name: str
    status: Known = "ok"
    reason: str | None = None
    owner: str | None = None
    version: str | None = None
    source_revision: str | None = None
    source_time: str | None = None
    digest: str | None = None
    image: str | None = None
    last_promotion: Promotion | None = None
    record: Record | None = None
    sync: str = "unknown"
    health: str = "unknown"
    live: Live | None = None
    holds: list[Hold] | None = None


class EnvironmentStatus(Model):
    """One environment and the services released to it."""

    name: str
    status: Known
    reason: str | None = None
    services: list[ServiceStatus] = []
    history: list[HistoryEntry] | None = None


class EnvironmentList(Model):
    """The environments of the platform."""

    status: Known
    reason: str | None = None
    environments: list[EnvironmentStatus]


class Source(Model):
    """The commit of the GitOps repository that an answer was read from."""

    repository: str
    branch: str
    revision: str
    time: datetime


class PlatformStatus(Model):
    """What runs where."""

    status: Known
    reason: str | None = None
    observed_at: datetime
    source: Source | None = None
    live: LiveSource | None = None
    environments: list[EnvironmentStatus]


class ErrorDetail(Model):
    """What went wrong."""

    code: str
    message: str


class ErrorBody(Model):
    """Every answer that is not a success has this form."""

    error: ErrorDetail
