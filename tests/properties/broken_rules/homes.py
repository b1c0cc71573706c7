"""What another region decides, and roots that move, broken."""

from tests.properties.broken_rules.broken import Broken

HOMES = (
    Broken(
        "what is decided here is sent nowhere",
        "rules/regions.py",
        "if is_decided_here(root):\n        return void(Reason.WRONG_REGION)",
        "if False:\n        return void(Reason.WRONG_REGION)",
        "regions: what_is_decided_here_is_not_sent_elsewhere",
    ),
    Broken(
        "what was begun elsewhere isn't begun here",
        "rules/regions.py",
        "return noted()._replace(home=body.home)",
        "return noted()",
        "regions: what_was_sent_elsewhere_to_begin_there_does_not_begin_here",
    ),
    Broken(
        "a cancel alone says nothing about a home",
        "rules/regions.py",
        "if root.home is None and body.request in BEGINNINGS:",
        "if root.home is None:",
        "regions: a_cancel_sent_elsewhere_leaves_the_id_to_whoever_submits_it",
    ),
    Broken(
        "what was handed over is decided elsewhere",
        "rules/regions.py",
        "_replace(home=body.to, moves=body.move, refused=event.id)",
        "_replace(refused=event.id)",
        "moving: what_was_handed_over_is_decided_elsewhere",
    ),
    Broken(
        "an order to hand over counts once",
        "rules/regions.py",
        "moves=body.move, refused=event.id)",
        "moves=body.move)",
        "moving: the_same_order_does_nothing_after_the_root_has_come_back",
    ),
    Broken(
        "what is carried twice is taken over once",
        "rules/regions.py",
        "if body.move <= root.moves:",
        "if False:",
        "moving: what_is_carried_again_does_not_bring_it_back",
    ),
    Broken(
        "what is decided here isn't taken over",
        "rules/regions.py",
        "return void(Reason.ID_TAKEN)",
        "pass",
        "moving: what_is_decided_here_is_not_taken_over",
    ),
    Broken(
        "what moves has never run",
        "rules/regions.py",
        "not held and task.attempt == 1",
        "not held",
        "moving: what_has_run_stays",
    ),
    Broken(
        "what moves is alone",
        "rules/regions.py",
        "return alone and not held",
        "return not held",
        "moving: what_has_something_below_it_stays",
    ),
    Broken(
        "what moves leaves no held cancel behind",
        "rules/regions.py",
        "return alone and not held",
        "return alone",
        "moving: what_a_cancel_below_is_held_for_stays",
    ),
    Broken(
        "secrets don't move",
        "rules/regions.py",
        " and task.spec.secrets_key_id is None",
        "",
        "moving: what_has_secrets_stays",
    ),
    Broken(
        "what is asked of one region isn't asked of another",
        "rules/regions.py",
        "root.home not in (None, body.home)",
        "False",
        "moving: it_is_asked_of_one_region",
    ),
    Broken(
        "what doesn't say what there is hands nothing over",
        "rules/regions.py",
        "body.task != task.spec or body.move != root.moves + 1 or ",
        "",
        "moving: what_is_handed_over_is_what_there_is",
    ),
)
