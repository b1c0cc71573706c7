"""What is still on its way among regions."""

from services.control_store import region_news
from services.regions.addressing import delivered_id
from services.regions.moves import taken_over_id
from tests.simulation.regions.world import NAMES, RegionsWorld


def unsettled(world: RegionsWorld) -> list[str]:
    found = [
        f"{each.event.subject} of {each.at} isn't in {each.home}"
        for each in world.accepted
        if delivered_id(each.event.id) not in world.sites[each.home].first
    ]
    for site in world.sites.values():
        for judged, to in site.forwarded():
            if delivered_id(judged.event.id) not in world.sites[to].first:
                found.append(f"{judged.event.subject} isn't forwarded from {site.name} to {to}")
        for handed, to in site.handed_over():
            if taken_over_id(handed.event.id) not in world.sites[to].first:
                found.append(f"{handed.event.subject} of {site.name} isn't in {to}")
        for root in site.roots.values():
            found += [
                f"{task.id} is {task.status} in {site.name}"
                for task in root.tasks.values()
                if not task.finished
            ]
        with site.database.begin() as connection:
            known = {each.region: each for each in region_news.all_of_them(connection)}
        for other in NAMES:
            reached = known[other].frontier if other in known else None
            if other != site.name and reached != world.sites[other].history.end():
                found.append(f"{site.name} doesn't know all of {other}")
    return found
