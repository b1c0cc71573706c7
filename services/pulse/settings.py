"""What can be set about the pulse."""

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveFloat, PositiveInt


class PulseSettings(BaseModel):
    """One pulse."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    overdue_margin_seconds: NonNegativeFloat = 5
    """How long after its grace a stop may take to be proved before it counts as overdue."""
    recalled_stops: PositiveInt = 50_000
    """Stops of the last day that are counted anew when the process starts; the latest."""
    picture_age_limit_seconds: PositiveFloat = 0.5
    """Who asks again so soon is shown the same picture."""
