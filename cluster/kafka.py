"""`python -m cluster.kafka`: Apache Kafka in the foreground, until Ctrl-C."""

import argparse
import signal
import sys
import tempfile
import threading
from pathlib import Path

from cluster.broker_cluster import KafkaCluster
from cluster.jars import WrongJars
from cluster.process import ServerFailed
from cluster.system import Unavailable

LOOK_AGAIN_SECONDS = 1.0


def main() -> None:
    options = _options()
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    try:
        if options.data is not None:
            run(options.data.absolute(), options.nodes, stopping)
        else:
            with tempfile.TemporaryDirectory(prefix="countermand-kafka-") as folder:
                run(Path(folder), options.nodes, stopping)
    except (Unavailable, WrongJars, ServerFailed) as reason:
        sys.exit(str(reason))


def run(folder: Path, nodes: int, stopping: threading.Event) -> None:
    cluster = KafkaCluster(folder, nodes)
    try:
        cluster.start()
        print(f"Kafka is at {cluster.bootstrap}", flush=True)
        print(f"  export COUNTERMAND_KAFKA={cluster.bootstrap}", flush=True)
        print(f"Its data and logs are in {folder}. Ctrl-C stops it.", flush=True)
        while not stopping.wait(LOOK_AGAIN_SECONDS):
            cluster.raise_if_ended()
    finally:
        cluster.stop()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m cluster.kafka", description=__doc__)
    parser.add_argument("--nodes", type=int, default=1, choices=(1, 3), help="default: %(default)s")
    parser.add_argument("--data", type=Path, help="a folder to keep; by default nothing is kept")
    return parser.parse_args()


if __name__ == "__main__":
    main()
