"""What the runs of one executor share."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from services.executor.output import Outputs
from services.executor.settings import ExecutorSettings
from services.patience import Patience
from services.secrets.vault import Vault
from services.voice import Voice
from services.world import World


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every run of an executor shares."""

    executor_id: str
    region: str
    voice: Voice
    outputs: Outputs
    settings: ExecutorSettings
    world: World
    vault: Vault | None
    """What opens tasks' secrets; None: nothing here can."""
    troubles: Callable[[], str]
    """What keeps handlers from being known, as the end of a sentence."""
    claim_patience: Patience
    """With the verdict of a claim."""
    tasks: asyncio.TaskGroup
    """What is said beside a run's own course; it belongs to the executor, and ends with it."""
