"""Events about executors: who told one to stop claiming, or to claim again."""

from typing import ClassVar

from events.body import Body


class ExecutorSteered(Body):
    """Appended by a gateway to the *operator's* organization: an executor shall claim, or not.

    Its subject is the executor, which obeys the last one. Ids of executors are new per process, so
    no order outlives the one that it was for.
    """

    TYPE: ClassVar[str] = "countermand.executor.steered.v1"

    claiming: bool
    """False: it claims nothing more; what runs goes on."""
