"""Replays one seed: `python -m tests.simulation SEED [--plant BUG] [--told]`."""

import argparse
import sys
import time

from tests.simulation.planted import PLANTED, planted
from tests.simulation.simulation import simulate


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("seed", type=int, nargs="+")
    parser.add_argument("--plant", choices=sorted(PLANTED), help="with this bug in the services")
    parser.add_argument("--told", action="store_true", help="print all that happened")
    arguments = parser.parse_args()
    failures = 0
    for seed in arguments.seed:
        began = time.monotonic()
        with planted(arguments.plant):
            went = simulate(seed)
        if arguments.told:
            print("\n".join(went.told))
        took = f"{went.steps} steps, {went.seconds:.0f} s in {time.monotonic() - began:.2f} s"
        print(f"seed {seed}: {went.broken or 'every promise kept'} ({took}) {went.digest}")
        failures += went.broken is not None
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
