"""Shows a rebuild on a terminal; where there is none, what moves would be noise."""

from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class ProgressBar:
    """A `Watch` with one line for each step."""

    def __init__(self, console: Console | None = None) -> None:
        shown_on = console or Console(stderr=True)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=shown_on,
            disable=not shown_on.is_terminal,
        )
        self._step: TaskID | None = None

    def __enter__(self) -> "ProgressBar":
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self._end_step()
        self._progress.stop()

    def begins(self, step: str, records: int) -> None:
        self._end_step()
        self._step = self._progress.add_task(step, total=records or None)

    def took(self, records: int) -> None:
        if self._step is not None:
            self._progress.advance(self._step, records)

    def _end_step(self) -> None:
        if self._step is not None:
            step = next(each for each in self._progress.tasks if each.id == self._step)
            total = step.total if step.total is not None else 1
            self._progress.update(self._step, total=total, completed=total)
