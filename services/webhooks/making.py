"""The couriers of a process, and all that they need."""

from services.control_store import ControlStore
from services.read_models.models import ReadModels
from services.webhooks.addresses import CheckedNetwork
from services.webhooks.courier import Depot
from services.webhooks.sending import Sender
from services.webhooks.settings import WebhookSettings
from services.webhooks.webhooks import Webhooks
from services.world import World


def new_webhooks(
    store: ControlStore, reads: ReadModels, settings: WebhookSettings, world: World
) -> Webhooks:
    network = CheckedNetwork(settings.allowed_networks, settings.connect_seconds)
    sender = Sender(network, settings.attempt_seconds)
    return Webhooks(Depot(store, reads, sender, settings, world))
