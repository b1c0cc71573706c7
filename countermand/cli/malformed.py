"""Records of the history that are no event: nobody's, so no caller is shown them, but operators.

Opens the read models itself, beside whatever services run. Loads the services.
"""

from sqlalchemy import make_url

from events.positions import written_position
from services.read_models.generations import FOLDER, Generations
from services.read_models.malformed import MalformedQuestions
from services.read_models.schemas import Schemas
from services.settings import Settings, postgres_url

SHOWN = 3


def malformed(settings: Settings) -> str:
    """How many there are, and where the last ones are."""
    kept = generations(settings)
    if not kept.numbers():
        return "unknown: no read models here (COUNTERMAND_POSTGRES, or the service's data folder)"
    database = kept.database(kept.live())
    session = database.connect()
    try:
        records, latest = MalformedQuestions(database).told(session, SHOWN)
    finally:
        session.close()
        database.engine.dispose()
    if not records:
        return "none"
    places = "; ".join(
        f"{written_position(each.position)}, {each.appended_at:%Y-%m-%d %H:%M:%S} UTC: "
        f"{each.trouble}"
        for each in latest
    )
    return f"{records}, void and kept; the last: {places}"


def generations(settings: Settings) -> Generations | Schemas:
    """Where the read models of these settings are."""
    if settings.postgres is not None:
        return Schemas(make_url(postgres_url(settings.postgres.get_secret_value())))
    return Generations(settings.data / FOLDER)
