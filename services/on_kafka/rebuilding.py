"""A rebuild of the read models in PostgreSQL from the history on Kafka, beside the services."""

from sqlalchemy import make_url

from services.kafka_log.log import open_kafka_log
from services.kafka_log.streams import connection_to, limits_of, topics_of
from services.on_kafka.site import NotConfigured
from services.read_models.schemas import Schemas
from services.rebuild.rebuild import Rebuilt, Watch, rebuild
from services.settings import Settings, postgres_url


async def rebuild_shared(settings: Settings, watch: Watch, *, replace: bool) -> Rebuilt:
    if settings.kafka is None or settings.postgres is None:
        raise NotConfigured
    postgres = make_url(postgres_url(settings.postgres.get_secret_value()))
    schemas = Schemas(postgres, settings.silence_limit_seconds)
    history, *_ = topics_of(settings.broker)
    connection = connection_to(settings.kafka, settings.broker)
    log = await open_kafka_log(connection, history, limits_of(settings.broker), create=False)
    try:
        return await rebuild(schemas, log, watch, replace=replace)
    finally:
        await log.close()
