"""Everything that the environment may set, read once and checked at the start."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

UNKNOWN = "unknown"


class SettingsError(Exception):
    """A setting that cannot be used; its text is the sentence for a person."""


@dataclass(frozen=True)
class BuildInfo:
    """Where this build comes from, set by the image."""

    name: str = "backend"
    version: str = UNKNOWN
    source_revision: str = UNKNOWN
    build_time: str = UNKNOWN


@dataclass(frozen=True)
class Settings:
    """The service's settings, with defaults that need no environment at all."""

    host: str = "0.0.0.0"  # noqa: S104 - a pod is reached from outside itself
    port: int = 8000
    log_level: str = "info"
    build: BuildInfo = BuildInfo()
    gitops_repository: str | None = None
    gitops_branch: str = "main"
    gitops_timeout: float = 4.0
    gitops_cache: float = 5.0
    gitops_history: int = 500
    kubernetes_api: str | None = None
    kubernetes_account: str = "/var/run/secrets/kubernetes.io/serviceaccount"
    kubernetes_timeout: float = 3.0
    kubernetes_cache: float = 2.0
    argocd_namespace: str = "argocd"
    environments: tuple[str, ...] = ("dev", "stage", "prod")
    drain_delay: float = 2.0
    shutdown_timeout: int = 10

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings; an empty value counts as not set."""
        build = BuildInfo(
            version=env.get("VERSION") or UNKNOWN,
            source_revision=env.get("SOURCE_REVISION") or UNKNOWN,
            build_time=env.get("BUILD_TIME") or UNKNOWN,
        )
        level = (env.get("LOG_LEVEL") or cls.log_level).lower()
        if level not in ("debug", "info", "warning", "error"):
            raise _refused("LOG_LEVEL", level, "debug, info, warning or error")
        names = env.get("ENVIRONMENTS") or ",".join(cls.environments)
        return cls(
            host=env.get("HOST") or cls.host,
            port=int(_number(env, "PORT", cls.port, 1, 65535)),
            log_level=level,
            build=build,
            gitops_repository=env.get("GITOPS_REPOSITORY") or None,
            gitops_branch=env.get("GITOPS_BRANCH") or cls.gitops_branch,
            gitops_timeout=_number(env, "GITOPS_TIMEOUT_SECONDS", cls.gitops_timeout, 0.1, 60),
            gitops_cache=_number(env, "GITOPS_CACHE_SECONDS", cls.gitops_cache, 0, 3600),
            gitops_history=int(_number(env, "GITOPS_HISTORY", cls.gitops_history, 1, 100_000)),
            kubernetes_api=_kubernetes(env),
            kubernetes_account=env.get("KUBERNETES_ACCOUNT") or cls.kubernetes_account,
            kubernetes_timeout=_number(
                env, "KUBERNETES_TIMEOUT_SECONDS", cls.kubernetes_timeout, 0.1, 60
            ),
            kubernetes_cache=_number(
                env, "KUBERNETES_CACHE_SECONDS", cls.kubernetes_cache, 0, 3600
            ),
            argocd_namespace=env.get("ARGOCD_NAMESPACE") or cls.argocd_namespace,
            environments=tuple(n.strip() for n in names.split(",") if n.strip()),
            drain_delay=_number(env, "DRAIN_DELAY_SECONDS", cls.drain_delay, 0, 60),
            shutdown_timeout=int(
                _number(env, "SHUTDOWN_TIMEOUT_SECONDS", cls.shutdown_timeout, 1, 300)
            ),
        )


def _kubernetes(env: Mapping[str, str]) -> str | None:
    """Return the API server's address: the one that is named, or that of the pod's own cluster."""
    named = env.get("KUBERNETES_API")
    if named:
        return named.rstrip("/")
    host, port = env.get("KUBERNETES_SERVICE_HOST"), env.get("KUBERNETES_SERVICE_PORT") or "443"
    if not host:
        return None
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"


def _number(env: Mapping[str, str], name: str, default: float, least: float, most: float) -> float:
    text = env.get(name)
    if not text:
        return default
    expected = f"a number from {least:g} to {most:g}"
    try:
        value = float(text)
    except ValueError:
        raise _refused(name, text, expected) from None
    if not least <= value <= most:
        raise _refused(name, text, expected)
    return value


def _refused(name: str, found: str, use: str) -> SettingsError:
    return SettingsError(f"reading the environment: {name} is {found!r}; use {use}")
