"""What Prometheus reads from a running service, and that rules and dashboard name what exists."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from tests.e2e.commands import REPOSITORY
from tests.e2e.running import Running
from tests.e2e.test_pulse import stopped

ALERTS = REPOSITORY / "deploy/prometheus/alerts.yml"
DASHBOARD = REPOSITORY / "deploy/grafana/countermand.json"
OPENMETRICS = {"accept": "application/openmetrics-text;version=1.0.0"}
NAME = re.compile(r"\b(?:countermand|process)_[a-z_]+\b")
LABELS = re.compile(r"\{([^}]*)\}")


@pytest.fixture(scope="module")
def scraped(service: Running) -> dict[str, set[str]]:
    """Every sample there is, with its labels, after stops of two kinds."""
    with service.http() as http:
        stopped(http)
        stopped(http, "stubborn", grace_seconds=0.2, stop_within_seconds=0.05)
    answer = httpx.get(service.url + "/metrics", headers=OPENMETRICS)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    found: dict[str, set[str]] = {}
    for family in openmetrics(answer.text):  # type: ignore[no-untyped-call]
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def expressions() -> list[tuple[str, str]]:
    """Where each stands, and what it says."""
    rules = yaml.safe_load(ALERTS.read_text())["groups"]
    found = [(rule["alert"], rule["expr"]) for group in rules for rule in group["rules"]]
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        found += [(panel["title"], target["expr"]) for target in panel["targets"]]
    return found


def test_rules_and_dashboard_name_metrics_and_labels_that_exist(
    scraped: dict[str, set[str]],
) -> None:
    for where, expression in expressions():
        names = NAME.findall(expression)
        assert names, f"{where} looks at no metric"
        for name in names:
            assert name in scraped, f"{where}: there is no {name}"
        known = set().union(*(scraped[name] for name in names))
        chosen = [
            label
            for inside in LABELS.findall(expression)
            for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", inside)
        ]
        grouped = [
            label.strip()
            for inside in re.findall(r"by \(([^)]*)\)", expression)
            for label in inside.split(",")
        ]
        assert {*chosen, *grouped} - {"instance"} <= known, where
        for opening, closing in ("()", "{}", "[]"):
            assert expression.count(opening) == expression.count(closing), where


def test_everything_that_is_measured_is_shown_or_watched(scraped: dict[str, set[str]]) -> None:
    """A metric that no panel and no rule looks at is a cost without a use."""
    watched = {name for _, expression in expressions() for name in NAME.findall(expression)}

    def looked_at(name: str) -> bool:
        stem = re.sub(r"_(bucket|count|sum)$", "", name)
        return any(each.startswith(stem) for each in watched)

    ours = {name for name in scraped if name.startswith("countermand_")}
    assert {name for name in ours if not looked_at(name)} == set()


def test_an_alert_says_how_bad_it_is_and_what_to_do() -> None:
    rules: list[dict[str, Any]] = [
        rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]
    ]

    for rule in rules:
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"]
        assert re.fullmatch(r"\d+[sm]", rule.get("for", "1m"))
    assert len({rule["alert"] for rule in rules}) == len(rules)


def test_the_first_event_of_a_series_sets_off_its_alarm() -> None:
    """A series with labels begins at its first event, which is no increase of it."""
    rules = [
        rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]
    ]
    rising = {rule["alert"]: rule["expr"] for rule in rules if "increase(" in rule["expr"]}

    assert rising
    for alert, expression in rising.items():
        for series, window in re.findall(r"increase\((\S+)\[(\w+)\]\)", expression):
            assert f"{series} unless {series} offset {window}" in expression, alert


def test_panels_do_not_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
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
