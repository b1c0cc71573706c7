"""The table, line by line as the figures come in, and the same as JSON."""

from typing import NamedTuple

from benchmarks.figures import Figure, Measurement


class Line(NamedTuple):
    figure: Figure
    result: Measurement | None
    """None: it failed, and stderr says how."""
    seconds: float
    """So long it took to measure."""
    failed: str = ""
    """Why, in a line's length."""

    @property
    def ok(self) -> bool:
        return self.result is not None and self.figure.target.reached(self.result.ratio)


HEADER = f"{'figure':<58} {'measured':>14} {'limit':>14} {'unit':<9} {'ratio':>7}  target"


def written(line: Line) -> str:
    figure = line.figure
    if line.result is None:
        return f"{figure.name:<58} FAILED: {line.failed}"
    measured, limit, unit, ratio = line.result
    return (
        f"{figure.name:<58} {number(measured):>14} {number(limit):>14} {unit:<9} {ratio:>7.2f}  "
        f"{figure.target!s:<14} {'ok' if line.ok else 'MISSED'}\n"
        f"  beside {figure.beside}; {line.seconds:.0f} s"
    )


def number(value: float) -> str:
    """Three digits that count, or all those before the point."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:,.3g}"


def as_json(line: Line) -> dict[str, str | float | bool | None]:
    figure, result, seconds, failed = line
    return {
        "figure": figure.name,
        "beside": figure.beside,
        "measured": result and result.measured,
        "limit": result and result.limit,
        "unit": result and result.unit,
        "ratio": result and result.ratio,
        "target": str(figure.target),
        "ok": line.ok,
        "failed": failed,
        "seconds": round(seconds, 1),
    }
