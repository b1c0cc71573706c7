"""What a run submits below itself.

A child has its parent's id and a name: submitted again by a re-run it is the same child.
"""

from dataclasses import dataclass
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from events.body import Actor, JsonObject
from events.errors import EventTooLarge, InvalidId
from events.event import Event
from events.ids import check_id, derived_id
from events.state import TaskState
from events.task_events import TaskSubmitted
from events.words import Reason, Verdict
from services.executor.runtime import CannotStart, ChildAnswer
from services.executor.surroundings import Surroundings
from services.executor.waiting_room import Place
from services.refusals import Unavailable
from services.secrets.sealing import GivenSecrets, found

OURS = frozenset({"name", "secrets"})
"""What a run may say of a child besides the fields of its submission."""
GIVEN_SECRETS = TypeAdapter(GivenSecrets)


@dataclass(slots=True)
class Children:
    """Of one run."""

    around: Surroundings
    place: Place
    task: TaskState
    run_id: UUID
    count: int = 0

    async def submit(self, said: JsonObject, answer: ChildAnswer) -> None:
        """A child has its parent's id and a name: submitted again by a re-run it is the same."""
        try:
            self.count += 1
            name = said.get("name") or f"{self.task.attempt}-{self.count}"
            child_id = check_id(f"{self.place.task_id}.{name}")
            asked = {name: value for name, value in said.items() if name not in OURS}
            given = GIVEN_SECRETS.validate_python(said.get("secrets") or {})
            body = TaskSubmitted.model_validate(
                {
                    "region": self.around.region,
                    **asked,
                    "parent": self.place.task_id,
                    "actor": Actor(
                        kind="run",
                        id=str(self.run_id),
                        organization=self.place.organization,
                        on_behalf_of=self.task.spec.actor.id,
                    ),
                }
            )
        except (InvalidId, ValidationError) as error:
            answer(None, f"the child was refused: {error}")
            return
        event = self.around.voice.event(
            body,
            subject=child_id,
            organization=self.place.organization,
            id=derived_id(self.place.organization, child_id, "child"),
        )
        try:
            outcome = await self.around.voice.ask(await self._without_secrets(event, body, given))
        except (EventTooLarge, Unavailable, CannotStart) as error:
            answer(None, f"the child was refused: {error}")
            return
        if outcome.verdict is Verdict.EFFECTIVE or outcome.reason is Reason.DUPLICATE:
            answer(child_id, None)
        else:
            answer(None, f"the child was refused: {outcome.reason}")

    async def _without_secrets(
        self, event: Event, body: TaskSubmitted, given: dict[str, str]
    ) -> Event:
        vault = self.around.vault
        if vault is None:
            if given:
                raise CannotStart("this executor has no control store to keep secrets' keys in")
            return event
        secrets = found(vault.declared.of(body.kind), body.payload, given)
        return event if secrets is None else (await vault.seal([(event, secrets)]))[0]
