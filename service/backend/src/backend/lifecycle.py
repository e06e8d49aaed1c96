"""Whether the process is starting, ready or stopping."""

from typing import Literal

Phase = Literal["starting", "ready", "stopping"]


class Lifecycle:
    """The phase of the process; it only ever moves forward."""

    def __init__(self) -> None:
        self._phase: Phase = "starting"

    @property
    def phase(self) -> Phase:
        """The present phase."""
        return self._phase

    def started(self) -> None:
        """Mark the service ready, unless it was told to stop meanwhile."""
        if self._phase == "starting":
            self._phase = "ready"

    def stop(self) -> None:
        """Mark the service as going away, for good."""
        self._phase = "stopping"
