"""A server that answers as a cluster's API does for Applications, and an account to ask it with."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

TOKEN = "token-of-this-service"  # noqa: S105 - of no account
PATH = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications"


@dataclass
class Cluster:
    """What it answers, and where it is."""

    env: dict[str, str] = field(default_factory=dict)
    items: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200
    body: bytes | None = None
    silent: threading.Event | None = None


def application(env: str, service: str, **status: Any) -> dict[str, Any]:
    """Return an Application as Argo CD keeps it."""
    return {
        "metadata": {
            "name": f"{env}-{service}",
            "labels": {"golden-path/env": env, "golden-path/service": service},
        },
        "status": status,
    }


@contextmanager
def serve(folder: Path) -> Iterator[Cluster]:
    """Serve Applications over HTTP; `env` holds the settings that lead to them."""
    cluster = Cluster()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if cluster.silent:
                cluster.silent.wait(10)
            allowed = self.headers["Authorization"] == f"Bearer {TOKEN}"
            status = cluster.status if allowed and self.path == PATH else 401
            answer = json.dumps({"items": cluster.items}).encode()
            body = cluster.body if cluster.body is not None else answer
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    account = folder / "account"
    account.mkdir()
    (account / "token").write_text(f"{TOKEN}\n")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    cluster.env = {
        "KUBERNETES_API": f"http://127.0.0.1:{server.server_address[1]}",
        "KUBERNETES_ACCOUNT": str(account),
    }
    try:
        yield cluster
    finally:
        if cluster.silent:
            cluster.silent.set()
        server.shutdown()
        thread.join()
        server.server_close()
