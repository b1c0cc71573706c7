"""Which tasks a list of xpander's means; as much of that as can be is asked of the read models."""

from typing import NamedTuple

from events.words import Status
from services.gateway.dialects.xpander.records import LABEL, WORDS, Word, agent_of, item
from services.read_models.questions import TaskFilter
from services.read_models.rows import Task


def statuses(word: Word | None) -> list[Status] | None:
    """Those that xpander has this word for."""
    return None if word is None else [core for core, theirs in WORDS.items() if theirs == word]


class Wanted(NamedTuple):
    """What is None doesn't matter."""

    agent_id: str | None = None
    user_id: str | None = None
    parent_task_id: str | None = None
    triggering_agent_id: str | None = None
    internal_status: str | None = None

    def means(self, task: Task) -> bool:
        shown = item(task)
        return (
            self.agent_id in (None, agent_of(task))
            and self.user_id in (None, shown.user_id)
            and self.parent_task_id in (None, shown.parent_task_id)
            and self.triggering_agent_id in (None, shown.triggering_agent_id)
            and self.internal_status in (None, str(task.status))
        )

    def filters(self, where: TaskFilter) -> list[TaskFilter]:
        """Those that together have every such task, and as little else as one label allows."""
        if self.user_id is not None:
            return [where._replace(label=(f"{LABEL}user_id", self.user_id))]
        if self.parent_task_id is not None:
            label = (f"{LABEL}parent_execution_id", self.parent_task_id)
            return [where._replace(parent=self.parent_task_id), where._replace(label=label)]
        if self.triggering_agent_id is not None:
            label = (f"{LABEL}triggering_agent_id", self.triggering_agent_id)
            return [where._replace(label=label)]
        if self.agent_id is not None:
            # What wasn't made through xpander has its kind for an agent.
            label = (f"{LABEL}agent", self.agent_id)
            return [where._replace(label=label), where._replace(kind=self.agent_id)]
        return [where]
