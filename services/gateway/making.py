"""What every gateway is made of, whatever log it stands on."""

from collections.abc import Callable, Mapping
from time import monotonic

from events.log import Log
from services.at_hand import AtHand
from services.bulk_canceller import BulkCanceller
from services.control_store import ControlStore
from services.gateway.rate_limits import Buckets
from services.ledger import Stopped
from services.operations.scope import Parts
from services.own_words import OwnWords
from services.patience import Patience
from services.read_models.models import ReadModels
from services.regions.regions import Regions
from services.secrets.vault import Vault
from services.settings import Settings
from services.verdicts import Verdicts
from services.world import World

SOURCE = "gateway"


def new_parts(
    settings: Settings,
    world: World,
    *,
    log: Log,
    words: OwnWords,
    reads: ReadModels,
    verdicts: Verdicts,
    at_hand: AtHand,
    vault: Vault,
    partition_of: Callable[[str], int],
    stopped: Callable[[], Mapping[int, Stopped]],
    regions: Regions | None,
) -> Parts:
    limits = settings.gateway
    per_minute = limits.denials_audited_per_minute
    return Parts(
        log=log,
        words=words,
        reads=reads,
        verdicts=verdicts,
        at_hand=at_hand,
        patience=Patience(limits.verdict_wait_seconds, TimeoutError),
        append_patience=Patience(limits.append_wait_seconds, TimeoutError),
        world=world,
        settings=limits,
        denials=Buckets(per_minute / 60, per_minute, limits.principals_counted, monotonic),
        vault=vault,
        region=settings.region,
        source=SOURCE,
        partition_of=partition_of,
        stopped=stopped,
        regions=regions,
    )


def new_canceller(parts: Parts, settings: Settings, store: ControlStore) -> BulkCanceller:
    return BulkCanceller(
        store=store,
        log=parts.log,
        reads=parts.reads,
        verdicts=parts.verdicts,
        world=parts.world,
        words=parts.words,
        settings=settings.bulk,
        verdict_wait_seconds=settings.gateway.verdict_wait_seconds,
        region=parts.region,
        source=parts.source,
    )
