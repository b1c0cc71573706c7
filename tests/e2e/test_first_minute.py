"""Submit, run, cancel, evidence, history: over HTTP, against a real process."""

from tests.e2e.running import Running, until_running


def test_a_cancel_stops_a_running_task_and_its_receipt_says_how_that_is_known(
    service: Running,
) -> None:
    with service.http() as http:
        submitted = http.post(
            "/tasks", json={"id": "first", "kind": "sleep", "payload": {"seconds": 600}}
        )
        assert submitted.status_code == 201, submitted.text
        assert submitted.json()["status"] == "pending"
        until_running(http, "first")

        cancelled = http.post("/tasks/first/cancel", json={"reason": "changed my mind"})

        assert cancelled.status_code == 200, cancelled.text
        receipt = cancelled.json()
        assert receipt["verdict"] == "effective"
        assert receipt["evidence"] == "acknowledged"
        assert receipt["status"] == "cancelled"
        assert receipt["why"] == "changed my mind"
        assert receipt["requested_at"] <= receipt["observed_at"] <= receipt["stopped_at"]

        task = http.get("/tasks/first").json()
        assert task["status"] == "cancelled"
        assert task["evidence"] == "acknowledged"
        assert task["cancel"]["event_id"] == receipt["event_id"]
        assert task["cancel"]["stopped_at"] == receipt["stopped_at"]

        later = http.get("/tasks/first/receipt", params={"wait": 5})
        assert later.status_code == 200
        assert later.json() == receipt

        lines = http.get("/tasks/first/history").json()["items"]
        types = [line["event"]["type"] for line in lines]
        assert types[:3] == [
            "countermand.task.submitted.v1",
            "countermand.task.started.v1",
            "countermand.cancel.requested.v1",
        ]
        assert set(types[3:]) == {
            "countermand.cancel.observed.v1",
            "countermand.task.cancelled.v1",
        }
        assert [line["verdict"] for line in lines[:3]] == ["effective"] * 3


def test_the_command_line_tells_the_same_story(service: Running) -> None:
    assert service.run("submit", "sleep", "--id", "told", "--payload", '{"seconds": 600}') == (
        "told\n"
    )
    with service.http() as http:
        until_running(http, "told")
    assert "acknowledged" in service.run("cancel", "told", "--reason", "enough")
    told = service.run("history", "told")
    assert "cancel requested" in told
    assert "evidence: acknowledged" in told
    assert "“enough”" in told
    assert "cancelled" in service.run("status", "told")
