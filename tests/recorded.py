"""Logs that hold every kind of event, told by a seed: what read models are tried with.

Several organizations, tasks, families and projects are talked about at the same time, mostly in
ways that change something; requests come twice, bytes are malformed here and there, and the log's
clock goes backwards.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from random import Random

from events.body import Actor
from events.cancel_events import CancelRequested
from events.event import Event, encode, new_event
from events.fold import evolve
from events.ids import derived_id
from events.log import Record
from events.outcome import apply
from events.positions import Position
from events.project_events import ProjectCancelRequested
from events.state import Root
from events.words import Verdict
from projections.entry import Entry, decoded
from projections.memory import Memory
from tests.properties.alphabets import ENDINGS, Y_REMOTELY, Alphabet, X, Y

START_US = 1_767_225_600_000_000
ORGANIZATIONS = ("acme", "umbrella")
EVENTS_PER_ROOT = 20
ROOTS_AT_ONCE = 8
CANCELS = (CancelRequested, ProjectCancelRequested)


def records(seed: int, length: int, partitions: int = 1) -> list[Record]:
    """The same seed tells the same log."""
    random = Random(seed)
    offsets = [0] * partitions
    now_us = START_US
    told = []
    for key, value in values(random, length):
        partition = sum(key.encode()) % partitions
        now_us += random.choice((0, 1, 1000, 250_000, -3000))
        told.append(Record(Position(partition, offsets[partition]), value, now_us))
        offsets[partition] += 1
    return told


def values(random: Random, length: int) -> Iterator[tuple[str, bytes]]:
    stories: list[Story] = []
    for number in range(length):
        if number % EVENTS_PER_ROOT == 0:
            stories.append(Story(len(stories), random.choice(ORGANIZATIONS)))
        if random.random() < 0.02:
            yield "", random.choice((b"", b"{}", b"\xff\x00", b'{"type":"other.v1"}'))
        else:
            recent = stories[-ROOTS_AT_ONCE:]
            story = random.choice(recent if random.random() < 0.95 else stories)
            event = story.next(random)
            yield event.key, encode(event)


class Story:
    """One root and what may be said of it."""

    def __init__(self, number: int, organization: str) -> None:
        self.events = everything_about(number, organization)
        self.root = Root()
        self.said: list[Event] = []

    def next(self, random: Random) -> Event:
        how = random.random()
        if self.said and how < 0.1:
            event = random.choice(self.said)
        elif how < 0.2:
            event = random.choice(self.events)
        else:
            event = self._telling(random)
        apply(self.root, evolve(self.root, event))
        self.said.append(event)
        return event

    def _telling(self, random: Random) -> Event:
        """Mostly what changes something, and seldom a cancel: it ends so much."""
        verdicts = [evolve(self.root, event).verdict for event in self.events]
        weights = [
            (0.005 if verdict is Verdict.VOID else 1.0)
            * (0.1 if verdict is Verdict.NOTED else 1.0)
            * (0.1 if isinstance(event.data, CANCELS) else 1.0)
            for event, verdict in zip(self.events, verdicts, strict=True)
        ]
        return random.choices(self.events, weights)[0]


@cache
def everything_about(number: int, organization: str) -> Sequence[Event]:
    """What may be said of the root of this number: the same in every log."""
    kind = (a_task, a_family, a_project)[number % 3]
    return [
        in_organization(event, organization, derived_id(number, event.id))
        for event in kind(f"r{number}").events
    ]


def in_organization(event: Event, organization: str, id: object) -> Event:
    body = event.data
    actor: Actor = body.actor.model_copy(update={"organization": organization})
    return new_event(
        body.model_copy(update={"actor": actor}),
        id=derived_id(id),
        subject=event.subject,
        organization=organization,
        time=event.time,
        source="/test",
    )


def a_task(root: str) -> Alphabet:
    claimants = (X, Y_REMOTELY)
    return (
        Alphabet()
        .submissions(root, put_off=True, late=True, labels={"team": "blue"})
        .claims(root, claimants, 2)
        .facts(root, claimants, 2, waits=1)
        .cancels(root)
        .revivals(root, 2)
        .closing(root)
    )


def a_family(root: str) -> Alphabet:
    child = f"{root}.c"
    return (
        Alphabet()
        .submissions(root)
        .claims(root, (X,), 2)
        .facts(root, (X,), 2)
        .cancels(root, "gracefully", "within 5 s", "by force")
        .revivals(root, 2)
        .submissions(child, late=True, parent=root)
        .submissions(f"{child}.d", parent=child)
        .claims(child, (Y,), 2)
        .facts(child, (Y,), 2)
        .cancels(child, "gracefully", "held")
        .claims(f"{child}.d", (Y,), 1)
    )


def a_project(root: str) -> Alphabet:
    alphabet = Alphabet().project(root, plans=(1, 3), pauses=1)
    for name in ("a", "b", "c"):
        task = f"{root}.{name}"
        depends_on = (f"{root}.a",) if name == "b" else ()
        alphabet.submissions(task, project=root, depends_on=depends_on, labels={"part": name})
        alphabet.claims(task, (X,), 2)
        alphabet.facts(task, (X,), 2, kinds=ENDINGS)
        alphabet.revivals(task, 2)
        alphabet.cancels(task, "gracefully")
    return alphabet


def judged(told: Sequence[Record]) -> list[Entry]:
    """By a memory that forgets nothing."""
    memory = Memory(finished_kept=10**9)
    entries = []
    for record in told:
        one = decoded(record)
        for key in memory.missing([one]):
            memory.recall(key)
        entries.append(memory.enter(one))
    return entries
