"""The OpenAPI document as it is served: what the framework makes of the routes, and what it doesn't
know: credentials, problems, and the headers of reads."""

from typing import Any

from services.gateway.answers import BEHIND
from services.gateway.callers import AFTER, SECURITY_SCHEMES
from services.gateway.dialects.mounting import describe_security
from services.gateway.native import PREFIX
from services.gateway.problems import ProblemDocument
from services.gateway.schema_names import with_plain_names

FRONTIER = {"type": "string", "examples": ["0:42"]}
BEHIND_HEADER = {
    "description": "The read gave up waiting and shows an older state: the frontier that it should "
    "have covered. Without this header it shows all that its caller has been told.",
    "schema": FRONTIER,
}


def whole(document: dict[str, Any]) -> dict[str, Any]:
    """`document` is the framework's; its caches of it are `app`'s business."""
    document = with_plain_names(document)
    document["components"]["securitySchemes"] = SECURITY_SCHEMES
    document["components"]["schemas"]["ProblemDocument"] = ProblemDocument.model_json_schema()
    for path, operations in document["paths"].items():
        for method, operation in operations.items() if path.startswith(PREFIX) else ():
            operation["security"] = [{name: []} for name in SECURITY_SCHEMES]
            if method == "get":
                _describe_read(operation)
    describe_security(document)
    return document


def _describe_read(operation: dict[str, Any]) -> None:
    operation.setdefault("parameters", []).append(AFTER)
    operation["responses"]["200"].setdefault("headers", {})[BEHIND] = BEHIND_HEADER
