"""Starts the service: `python3 -m backend`."""

import logging
import signal
import socket
import sys

from . import logs
from .settings import Settings, SettingsError


def main() -> int:
    """Run until told to stop; 0 after a graceful end, 2 for settings that cannot be used."""
    # Process 1 of a container ignores signals without a handler, also while it imports.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        settings = Settings.from_env()
    except SettingsError as error:
        logs.configure("info")
        logging.getLogger("backend").error(str(error))
        return 2
    logs.configure(settings.log_level)
    # The git:// client has no timeout of its own; asyncio's sockets are not affected.
    socket.setdefaulttimeout(settings.gitops_timeout)
    from .server import Server  # noqa: PLC0415 - slow to import; the handler comes first

    Server(settings).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
