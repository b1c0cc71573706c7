"""Each rule of the table, broken once."""

from tests.properties.broken_rules.cancelling import CANCELLING
from tests.properties.broken_rules.claiming import CLAIMING
from tests.properties.broken_rules.ending import ENDING
from tests.properties.broken_rules.everything import EVERYTHING
from tests.properties.broken_rules.homes import HOMES
from tests.properties.broken_rules.projects import PROJECTS
from tests.properties.broken_rules.running import RUNNING
from tests.properties.broken_rules.submitting import SUBMITTING

BROKEN_RULES = (
    *SUBMITTING,
    *HOMES,
    *CLAIMING,
    *RUNNING,
    *ENDING,
    *CANCELLING,
    *PROJECTS,
    *EVERYTHING,
)
