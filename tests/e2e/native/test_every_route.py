"""Who is answered, on every route of the native API: a new one fails here until there is an example
of it, with what it needs."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack

import httpx
import pytest

from services.gateway.native import PREFIX
from services.permissions import Permission
from tests.e2e.native.examples import CARRY, EXAMPLES
from tests.e2e.native.walking import (
    OPERATIONS,
    WITH_AN_ID,
    each_operation,
    nameless,
    prepared,
)
from tests.e2e.problems import refused
from tests.e2e.running import Running


@pytest.fixture(scope="module")
def bridge(service: Running) -> Iterator[httpx.Client]:
    """Who carries between regions, and does nothing else."""
    with service.http(service.new_key("default", "bridge")) as client:
        yield client


@pytest.fixture(scope="module")
def lacking(service: Running) -> Iterator[Mapping[Permission, httpx.Client]]:
    """By permission: who has all of an admin's but this one."""
    with ExitStack() as stack:
        yield {
            each: stack.enter_context(service.http(key_without(service, each)))
            for each in Permission
        }


def key_without(service: Running, permission: Permission) -> str:
    scopes = [word for each in Permission if each != permission for word in ("--scope", each)]
    return service.new_key("default", "admin", *scopes)


def test_there_is_an_example_of_every_operation_and_of_nothing_else() -> None:
    assert set(EXAMPLES) == set(OPERATIONS)


@pytest.fixture(scope="module")
def nobody(service: Running) -> Iterator[Sequence[httpx.Client]]:
    """Without a key, and with a wrong one in each place for it."""
    wrong: Sequence[dict[str, str]] = (
        {},
        {"authorization": "Bearer cm_wrong"},
        {"x-api-key": service.key + "x"},
    )
    with ExitStack() as stack:
        clients = (httpx.Client(base_url=service.url + PREFIX, headers=each) for each in wrong)
        yield [stack.enter_context(client) for client in clients]


@each_operation
def test_nobody_is_told_anything_without_a_good_key(
    name: str, nobody: Sequence[httpx.Client]
) -> None:
    for client in nobody:
        answer = nameless(name).asked(client)
        refused(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"].startswith("Bearer")


@each_operation
def test_who_lacks_a_permission_is_refused_whatever_there_is(
    name: str, lacking: Mapping[Permission, httpx.Client]
) -> None:
    for permission in EXAMPLES[name].needs:
        problem = refused(nameless(name).asked(lacking[permission]), 403, "forbidden")
        assert problem["permission"] == permission


@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - set(WITH_AN_ID)))
def test_it_is_answered_as_documented(name: str, http: httpx.Client, bridge: httpx.Client) -> None:
    example = EXAMPLES[name]
    answer = prepared(name, http).asked(bridge if CARRY in example.needs else http)
    assert answer.status_code in OPERATIONS[name].statuses, answer.text
    assert answer.is_success is not bool(example.absent), answer.text


@pytest.mark.parametrize("name", WITH_AN_ID)
def test_what_is_another_organization_s_is_nowhere_and_its_owner_is_answered(
    name: str, http: httpx.Client, stranger: httpx.Client
) -> None:
    request, example = prepared(name, http), EXAMPLES[name]
    answer = request.asked(stranger)
    assert answer.status_code == example.stranger, answer.text
    if example.stranger == 404:
        refused(answer, 404, "not-found")
    answer = request.asked(http)
    assert answer.status_code in OPERATIONS[name].statuses, answer.text
    assert answer.is_success is not bool(example.absent), answer.text
