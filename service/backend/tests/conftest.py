from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from fastapi.testclient import TestClient

from backend.app import create_app
from backend.lifecycle import Lifecycle
from backend.settings import Settings

MakeClient = Callable[..., TestClient]


@pytest.fixture
def client_of() -> Iterator[MakeClient]:
    """Return a function that starts the application with settings given as environment."""
    with ExitStack() as stack:

        def make(lifecycle: Lifecycle | None = None, **env: str) -> TestClient:
            settings = Settings.from_env(
                {"GITOPS_CACHE_SECONDS": "0", "KUBERNETES_CACHE_SECONDS": "0", **env}
            )
            app = create_app(settings, lifecycle or Lifecycle())
            return stack.enter_context(TestClient(app, raise_server_exceptions=False))

        yield make
