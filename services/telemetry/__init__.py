"""What the service tells monitoring: metrics when somebody asks, spans when somebody collects them.

Nothing here stands between a request and its answer, or a cancel and its run: figures are taken
from the pulse, from commits and from gauges at the moment of a scrape, spans from the log later.
"""
