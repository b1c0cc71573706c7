"""Words of other regions, and of operators."""

from typing import Any, Self

from events.body import Actor
from events.executor_events import ExecutorSteered
from events.region_events import RequestAddressed, RootHandedOver, RootTakenOver
from events.task_events import TaskSubmitted
from events.vocabulary import AnyBody
from tests.builders.actors import ORGANIZATION, USER
from tests.builders.told import Told


class RegionWords(Told):
    def addressed(self, body: AnyBody, home: str = "mars") -> Self:
        """A request that another region shall decide."""
        fields = body.model_dump(mode="json", exclude={"actor", "reason"}, exclude_none=True)
        sent = RequestAddressed(actor=USER, home=home, request=body.TYPE, fields=fields)
        return self.then(sent)

    def handed_over(
        self, to: str = "mars", *, move: int | None = None, task: TaskSubmitted | None = None
    ) -> Self:
        """To another region, with what there is, unless it says otherwise."""
        known = self.root.tasks.get(self.subject)
        body = RootHandedOver(
            actor=USER,
            to=to,
            move=move or self.root.moves + 1,
            task=task or (known.spec if known else None),
        )
        return self.then(body)

    def taken_over(self, former_home: str = "mars", *, move: int = 1, **spec: Any) -> Self:
        """From another region, which has handed it over."""
        task = TaskSubmitted(actor=USER, kind="k", **spec)
        bridge = Actor(kind="bridge", id=former_home, organization=ORGANIZATION)
        return self.then(RootTakenOver(actor=bridge, former_home=former_home, move=move, task=task))

    def steered(self, claiming: bool = False) -> Self:
        """An operator says something to an executor."""
        return self.then(ExecutorSteered(actor=USER, claiming=claiming))
