"""What Prometheus reads from a running service, and that rules and dashboard name what exists."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import promql_parser
import pytest
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from events.words import Evidence
from services.projecting.beside import ENTRIES_LIMIT, MANY_ENTRIES
from tests.e2e.commands import REPOSITORY
from tests.e2e.promql import OF_PROMETHEUS, Query, begins_with_an_event, groups, parsed
from tests.e2e.running import Running
from tests.e2e.test_pulse import stopped

ALERTS = REPOSITORY / "deploy/prometheus/alerts.yml"
DASHBOARD = REPOSITORY / "deploy/grafana/countermand.json"
OPENMETRICS = {"accept": "application/openmetrics-text;version=1.0.0"}
VARIABLES = {"handler": "sleep", "region": "here", "__rate_interval": "1m"}
"""Those of the dashboard, each with a value."""


class Scraped(NamedTuple):
    """Every sample there is."""

    labels: Mapping[str, set[str]]
    """By name of the sample."""
    values: Mapping[str, set[str]]
    """By label."""


@pytest.fixture(scope="module")
def scraped(service: Running) -> Scraped:
    """After stops of two kinds."""
    with service.http() as http:
        stopped(http)
        stopped(http, "stubborn", grace_seconds=0.2, stop_within_seconds=0.05)
    answer = httpx.get(service.url + "/metrics", headers=OPENMETRICS)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    labels, values = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    values["evidence"] = {each.value for each in Evidence}
    for family in openmetrics(answer.text):  # type: ignore[no-untyped-call]
        for sample in family.samples:
            labels[sample.name].update(sample.labels)
            for label, value in sample.labels.items():
                values[label].add(value)
    return Scraped(dict(labels), values)


def rules() -> list[dict[str, Any]]:
    document = yaml.safe_load(ALERTS.read_text())
    assert set(document) == {"groups"}
    assert all(set(group) <= {"name", "interval", "rules"} for group in document["groups"])
    return [rule for group in document["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return found


def expressions() -> list[tuple[str, Query]]:
    """Where each stands, and what it looks at."""
    found = [(rule["alert"], rule["expr"]) for rule in rules()]
    for panel in panels():
        found += [(panel["title"], target["expr"]) for target in panel["targets"]]
    return [(where, parsed(filled_in(expr))) for where, expr in found]


def filled_in(expr: str) -> str:
    """With a value for each variable of the dashboard."""
    return re.sub(r"\$(\w+)", lambda found: VARIABLES[found[1]], expr)


def test_rules_and_dashboard_name_metrics_labels_and_values_that_exist(scraped: Scraped) -> None:
    for where, query in expressions():
        assert query.selectors, f"{where} looks at no metric"
        for selector in query.selectors:
            assert selector.metric in scraped.labels, f"{where}: there is no {selector.metric}"
            known = scraped.labels[selector.metric] | OF_PROMETHEUS
            assert selector.labels <= known, where
            for label, value in selector.equal:
                assert value in scraped.values[label], f"{where}: {label} is never {value}"
        for labels, selector in groups(query.expr):
            assert labels <= scraped.labels[selector.metric] | OF_PROMETHEUS, where


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("sum(countermand_runs", "parenthesis"),
        ("rate(countermand_cancels_stopped_total)", "expected type matrix"),
        ("total(countermand_runs)", "unknown function"),
        ("sum by handler (countermand_runs)", "invalid"),
    ],
)
def test_what_is_no_promql_is_noticed(wrong: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parsed(wrong)


def test_the_dashboard_chooses_by_labels_that_exist(scraped: Scraped) -> None:
    variables = json.loads(DASHBOARD.read_text())["templating"]["list"]
    asked = {
        each["name"]: re.fullmatch(r"label_values\((\w+), (\w+)\)", each["query"]["query"])
        for each in variables
        if each["type"] == "query"
    }

    assert {*asked, "__rate_interval"} == set(VARIABLES)
    for name, found in asked.items():
        assert found is not None, name
        assert found[2] in scraped.labels[found[1]], name


def test_what_is_said_of_a_series_is_one_of_its_labels(scraped: Scraped) -> None:
    for rule in rules():
        named = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
        assert named <= parsed(rule["expr"]).grouped, rule["alert"]
    for panel in panels():
        for target in panel["targets"]:
            query = parsed(filled_in(target["expr"]))
            left = query.grouped or scraped.labels[query.selectors[0].metric] | OF_PROMETHEUS
            named = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            assert named <= left, panel["title"]


def test_everything_that_is_measured_is_shown_or_watched(scraped: Scraped) -> None:
    """A metric that no panel and no rule looks at is a cost without a use."""
    watched = {each.metric for _, query in expressions() for each in query.selectors}

    def looked_at(name: str) -> bool:
        stem = re.sub(r"_(bucket|count|sum)$", "", name)
        return any(each.startswith(stem) for each in watched)

    ours = {name for name in scraped.labels if name.startswith("countermand_")}
    assert {name for name in ours if not looked_at(name)} == set()


def test_an_alert_says_how_bad_it_is_and_what_to_do() -> None:
    for rule in rules():
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"]
        assert promql_parser.parse_duration(rule.get("for", "1m"))
    assert len({rule["alert"] for rule in rules()}) == len(rules())


def test_what_is_behind_is_warned_of_before_it_holds_up_cancels() -> None:
    """The critical one sounds where the ledger waits for the rows, and not below it."""
    limits = {
        rule["labels"]["severity"]: float(rule["expr"].split()[-1])
        for rule in rules()
        if "lag_entries" in rule["expr"]
    }

    assert limits["critical"] == ENTRIES_LIMIT
    assert 2 * MANY_ENTRIES < limits["warning"] < ENTRIES_LIMIT / 2


def test_the_first_event_of_a_series_sets_off_its_alarm() -> None:
    """A series with labels begins at its first event, which is no increase of it."""
    rising = {rule["alert"]: query for rule in rules() if (query := parsed(rule["expr"])).rising}

    assert rising
    for alert, query in rising.items():
        for series, window in query.rising:
            assert begins_with_an_event(query, series, window), alert


def test_panels_do_not_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells


def test_plain_text_is_for_whoever_asks_for_it(service: Running) -> None:
    answer = httpx.get(service.url + "/metrics")

    assert answer.headers["content-type"].startswith("text/plain")
    assert any(family.name == "countermand_log_commit_seconds" for family in plain(answer.text))


def test_no_organization_and_no_task_is_named(service: Running) -> None:
    with service.http(service.new_key("tell-nobody", "operator")) as http:
        task_id = stopped(http)
    answer = httpx.get(service.url + "/metrics", headers=OPENMETRICS)

    assert "tell-nobody" not in answer.text
    assert task_id not in answer.text


def test_with_a_token_only_its_bearer_may_look(tmp_path: Path) -> None:
    running = Running(
        tmp_path, environment={"COUNTERMAND_TELEMETRY__METRICS_TOKEN": "for-prometheus"}
    )
    running.start()
    try:
        url = running.url + "/metrics"
        assert httpx.get(url).status_code == 401
        assert httpx.get(url, headers={"authorization": "Bearer wrong"}).status_code == 401
        right = {"authorization": "Bearer for-prometheus"}
        assert httpx.get(url, headers=right).status_code == 200
    finally:
        running.stop()
