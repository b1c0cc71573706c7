"""Create a task, from a form with files or from JSON; go on with one."""

from base64 import b64encode
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, JsonValue
from pydantic_core import from_json, to_json
from starlette.datastructures import FormData, UploadFile

from services.gateway.dialects.dialect import json_response, the_first
from services.gateway.dialects.ids import PathId
from services.gateway.dialects.sigmic.conversations import conversation, go_on, target_of
from services.gateway.dialects.sigmic.records import FollowUp, NewTask, Word, labels_of
from services.gateway.dialects.sigmic.refusing import Called, described, refusal
from services.gateway.dialects.targets import create, wanted
from services.refusals import Invalid, TooLarge

FILES_LIMIT = 20
FIELDS_LIMIT = 50


class Created(BaseModel):
    id: str
    status: Word


class CreatedReply(BaseModel):
    success: bool
    data: Created


class GoingOn(BaseModel):
    status: Word


class GoingOnReply(BaseModel):
    success: bool
    data: GoingOn


def routes(router: APIRouter) -> None:
    router.post(
        "/api/v1/tasks",
        response_model=CreatedReply,
        openapi_extra=body_of(NewTask),
        **described(409, 413),
    )(create_task)
    router.post(
        "/api/v1/tasks/{task_id}/messages",
        response_model=GoingOnReply,
        openapi_extra=body_of(FollowUp),
        **described(404, 409, 413),
    )(send_message)


def body_of(model: type[BaseModel]) -> dict[str, Any]:
    """For OpenAPI: the same fields as JSON or as a form; a form may have `files`."""
    schema = model.model_json_schema()
    fields: dict[str, Any] = {
        name: {"type": "string"} for name in schema["properties"] if name not in ("env", "secrets")
    }
    fields["files"] = {"type": "array", "items": {"type": "string", "format": "binary"}}
    form = {"type": "object", "properties": fields, "required": ["message"]}
    content = {"application/json": {"schema": schema}, "multipart/form-data": {"schema": form}}
    return {"requestBody": {"required": True, "content": content}}


async def create_task(caller: Called) -> Response:
    """Begin a task."""
    fields, files = await read(caller)
    new = NewTask.model_validate(fields)

    async def created() -> Response:
        request: dict[str, JsonValue] = new.model_dump(exclude={"secrets"}, exclude_none=True)
        if files:
            request["files"] = files
        asked = wanted(
            caller,
            target_of(caller, new.autoExecute),
            request,
            labels_of(new),
            description=new.message,
            secrets=new.secrets or {},
        )
        task = await create(caller, asked)
        return json_response({"success": True, "data": {"id": task.id, "status": "pending"}})

    return await the_first(caller, refusal, created, to_json([fields, files]))


async def send_message(caller: Called, task_id: PathId) -> Response:
    """Go on with a task that has completed or failed."""
    fields, files = await read(caller)
    message = FollowUp.model_validate(fields).message

    async def gone_on() -> Response:
        await go_on(caller, await conversation(caller, task_id), message, files)
        return json_response({"success": True, "data": {"status": "running"}})

    return await the_first(caller, refusal, gone_on, to_json([fields, files]))


async def read(caller: Called) -> tuple[dict[str, Any], list[JsonValue]]:
    """The fields of a request, and its files."""
    request: Request = caller.request
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("multipart/form-data", "application/x-www-form-urlencoded"):
        limit = caller.desk.settings.dialects.sigmic.file_limit_bytes
        async with request.form(
            max_files=FILES_LIMIT, max_fields=FIELDS_LIMIT, max_part_size=limit
        ) as form:
            return fields_of(form), await files_of(form, limit)
    try:
        body = from_json(await request.body())
    except ValueError as error:
        raise Invalid("body", "send multipart/form-data, or JSON") from error
    if not isinstance(body, dict):
        raise Invalid("body", "send an object")
    return body, []


def fields_of(form: FormData) -> dict[str, Any]:
    return {name: value for name, value in form.items() if isinstance(value, str)}


async def files_of(form: FormData, limit_bytes: int) -> list[JsonValue]:
    """Files as the task's payload has them."""
    files: list[JsonValue] = []
    size = 0
    for value in form.getlist("files"):
        if isinstance(value, UploadFile):
            content = await value.read(limit_bytes + 1)
            size += len(content)
            if size > limit_bytes:
                raise TooLarge("bytes in files", limit_bytes)
            files.append(
                {
                    "name": value.filename or "file",
                    "type": value.content_type,
                    "content_base64": b64encode(content).decode(),
                }
            )
    return files
