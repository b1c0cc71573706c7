"""The limit of every service on FastAPI and Kafka: one produce, awaited, and an answer.

`python -m benchmarks.on_kafka.bare_server BOOTSTRAP TOPIC PORT` with the gateway's server settings.
"""

import asyncio
import sys

import uvicorn
import uvloop
from aiokafka import AIOKafkaProducer
from fastapi import FastAPI
from pydantic import BaseModel

from services.gateway.server import new_server
from services.kafka_log.clients import open_producer
from services.kafka_log.connection import Connection
from services.kafka_log.limits import Limits
from services.settings import GatewaySettings


class Body(BaseModel):
    value: str


def new_app(producer: AIOKafkaProducer, topic: str) -> FastAPI:
    app = FastAPI()

    @app.post("/one")
    async def one(body: Body) -> Body:
        await producer.send_and_wait(topic, body.value.encode())
        return body

    return app


async def serve(bootstrap: str, topic: str, port: int) -> None:
    producer = await open_producer(Connection(bootstrap), Limits())
    server: uvicorn.Server = new_server(new_app(producer, topic), GatewaySettings(port=port), 1)
    try:
        await server.serve()
    finally:
        await producer.stop()


def main() -> None:
    bootstrap, topic, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(bootstrap, topic, port))


if __name__ == "__main__":
    main()
