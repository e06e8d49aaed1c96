"""Reads Argo CD's Applications from the cluster, through the service's read-only account."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from urllib3 import PoolManager, Retry
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as HttpTimeout

from .models import Live, LiveSource
from .settings import Settings

_ENV, _SERVICE = "golden-path/env", "golden-path/service"
_REFUSED = {
    401: "the account's token was not accepted",
    403: "this service's account may not read Applications",
    404: "it has no Argo CD",
}
_OK = 200

Applications = dict[tuple[str, str], Live]


class ApplicationsReader:
    """Answers what Argo CD says of each release; "unknown" and why where nobody can say it."""

    def __init__(self, settings: Settings) -> None:
        self._account = Path(settings.kubernetes_account)
        self._api = settings.kubernetes_api
        self._timeout = settings.kubernetes_timeout
        self._namespace = settings.argocd_namespace

    @property
    def configured(self) -> bool:
        """Whether there is a cluster, and an account to ask it with."""
        return self._api is not None and (self._account / "token").is_file()

    def read(self) -> tuple[LiveSource, Applications]:
        """Read all Applications, or say why that cannot be done."""
        if not self.configured:
            reason = "no cluster account is mounted; ask for it with access: [applications]"
            return LiveSource(status="unknown", reason=reason), {}
        try:
            items = self._list()
            found = dict(pair for pair in map(_live, items) if pair is not None)
        except (OSError, ValueError, HTTPError) as error:
            reason = f"asking the cluster for Argo CD's Applications: {_plainly(error)}"
            return LiveSource(status="unknown", reason=reason), {}
        return LiveSource(status="ok", observed_at=datetime.now(UTC)), found

    def _list(self) -> list[Any]:
        # The token is renewed in place about every hour, so it is read each time.
        token = (self._account / "token").read_text().strip()
        authority = self._account / "ca.crt"
        with PoolManager(
            ca_certs=str(authority) if authority.is_file() else None,
            timeout=self._timeout,
            retries=Retry(0, redirect=False),
        ) as http:
            answer = http.request(
                "GET",
                f"{self._api}/apis/argoproj.io/v1alpha1/namespaces/{self._namespace}/applications",
                headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            )
        if answer.status != _OK:
            raise ValueError(_REFUSED.get(answer.status, f"it answered {answer.status}"))
        items = json.loads(answer.data).get("items")
        if not isinstance(items, list):
            raise ValueError("its answer is not a list")
        return items


def _live(item: Any) -> tuple[tuple[str, str], Live] | None:
    labels = _mapping(item, "metadata", "labels")
    env, service = labels.get(_ENV), labels.get(_SERVICE)
    if not isinstance(env, str) or not isinstance(service, str):
        return None
    status = _mapping(item, "status")
    sync, health = _mapping(status, "sync"), _mapping(status, "health")
    operation = _mapping(status, "operationState")
    return (env, service), Live(
        sync=_text(sync, "status") or "Unknown",
        health=_text(health, "status") or "Unknown",
        revision=_text(sync, "revision"),
        operation=_text(operation, "phase"),
        reconciled_at=_text(status, "reconciledAt"),
        message=_message(status, operation),
    )


def _message(status: Any, operation: Any) -> str | None:
    """Return why an Application is not well, in Argo CD's own words."""
    for condition in status.get("conditions") or []:
        kind = _text(condition, "type") or ""
        # What a failed sync says of single objects says more than this condition.
        if "error" in kind.lower() and kind != "SyncError":
            return _text(condition, "message")
    failed = _text(operation, "phase") in ("Failed", "Error")
    # A sync that failed says nothing any more once there is nothing left to do.
    if failed and _text(_mapping(status, "sync"), "status") != "Synced":
        return _refusals(operation) or _text(operation, "message")
    for resource in status.get("resources") or []:
        health = _mapping(resource, "health")
        if _text(health, "status") in ("Degraded", "Missing") and _text(health, "message"):
            return f"{_text(resource, 'kind')} {_text(resource, 'name')}: {health['message']}"
    return _text(_mapping(status, "health"), "message")


def _refusals(operation: Any) -> str | None:
    """Return what a sync that failed says of single objects."""
    said = [
        f"{_text(one, 'kind')}/{_text(one, 'name')}: {_text(one, 'message')}"
        for one in _mapping(operation, "syncResult").get("resources") or []
        if _text(one, "status") == "SyncFailed"
    ]
    return "; ".join(said) or None


def _mapping(value: Any, *path: str) -> dict[str, Any]:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _text(value: Any, name: str) -> str | None:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) and found else None


def _plainly(error: Exception) -> str:
    cause = error.reason if isinstance(error, MaxRetryError) else error
    if isinstance(cause, json.JSONDecodeError):
        return "its answer is not JSON"
    if isinstance(cause, NewConnectionError):
        return "the connection was refused"
    if isinstance(cause, HttpTimeout):
        return "it did not answer in time"
    if isinstance(cause, SSLError):
        return "its certificate was not accepted"
    return str(cause) or type(cause).__name__
