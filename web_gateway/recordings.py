"""Recordings over plain HTTP: a file to download, a file to send. The service makes and reads them."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain
from tempfile import SpooledTemporaryFile
from typing import IO

import grpc
from flask import Blueprint, Response, abort, request
from google.protobuf import json_format
from gunicorn.http.errors import NoMoreData, ParseException
from werkzeug.exceptions import ClientDisconnected

from unmask.enums import enum_number
from unmask.v1.envelope_pb2 import Status
from unmask.v1.session_service_pb2 import ExportRequest, ImportRequest
from unmask.v1.session_service_pb2_grpc import SessionServiceStub

from . import statuses
from .config import Settings
from .upstream import Upstream

CHUNK = 256 * 1024
SPOOLED = 1 << 20  # bytes of an upload that are held in memory
ENDINGS = {"binary": "unmask", "json": "unmask.json"}
CODES = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.FAILED_PRECONDITION: 409,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}


def routes(upstream: Upstream, settings: Settings) -> Blueprint:
    """GET /recordings/<session> (form=binary or json, candidates=0 to 100) and POST /recordings.

    The answer of POST is an ImportResponse as JSON, and the service's refusals are an unmask.v1.Status as JSON. What
    the gateway itself refuses it says in a line of text.
    """
    blueprint = Blueprint("recordings", __name__)
    # Each has a thread for as long as its client takes.
    downloads, uploads = (threading.BoundedSemaphore(settings.max_transfers) for _ in range(2))

    def refused(error: grpc.RpcError) -> Response:
        status: Status = statuses.from_rpc(error)
        return Response(json_format.MessageToJson(status), CODES.get(error.code(), 500), mimetype="application/json")

    @blueprint.get("/recordings/<session_id>")
    def download(session_id: str) -> Response:
        form, candidates = request.args.get("form", "binary"), request.args.get("candidates", "0")
        if form not in ENDINGS:
            abort(400, f"form must be one of {', '.join(ENDINGS)}; got {form[:40]!r}.")
        if not (candidates.isascii() and candidates.isdecimal()):
            abort(400, f"candidates must be a whole number from 0 to 100; got {candidates[:40]!r}.")
        number = enum_number(ExportRequest.Form.Value(f"FORM_{form.upper()}"))
        wanted = ExportRequest(session_id=session_id, form=number, candidate_count=min(int(candidates[:9]), 2**31))
        with ExitStack() as stack:
            stack.enter_context(place(downloads))
            answers = SessionServiceStub(upstream.channel).Export(wanted, timeout=settings.stream_timeout)
            stack.callback(answers.cancel)
            try:
                first = next(chunk for chunk in _chunks(answers) if chunk)
            except grpc.RpcError as error:
                return refused(error)

            def file() -> Iterator[bytes]:
                yield first
                yield from _chunks(answers)

            kind = "application/json" if form == "json" else "application/gzip"
            headers = {"Content-Disposition": f'attachment; filename="{session_id}.{ENDINGS[form]}"'}
            response = Response(file(), mimetype=kind, headers=headers)
            response.call_on_close(stack.pop_all().close)
            return response

    @blueprint.post("/recordings")
    def upload() -> Response:
        request.max_content_length = settings.max_recording_bytes
        request_id = request.args.get("request_id", "")[:100]
        # gRPC takes its pieces in a thread of its own.
        with place(uploads), SpooledTemporaryFile(SPOOLED) as file:
            _receive(file)
            file.seek(0)
            pieces = chain([b""], iter(lambda: file.read(CHUNK), b""))
            asked = (ImportRequest(chunk=piece, request_id=request_id) for piece in pieces)
            try:
                made = SessionServiceStub(upstream.channel).Import(asked, timeout=settings.stream_timeout)
            except grpc.RpcError as error:
                return refused(error)
        return Response(json_format.MessageToJson(made), 201, mimetype="application/json")

    return blueprint


@contextmanager
def place(places: threading.Semaphore) -> Iterator[None]:
    """Holds one of the places; answers 503 where none is free."""
    if not places.acquire(blocking=False):
        abort(503, "Too many recordings are under way; try again soon.")
    try:
        yield
    finally:
        places.release()


def _receive(file: IO[bytes]):
    """Writes the request's body to a file, or answers why it cannot."""
    try:
        shutil.copyfileobj(request.stream, file, CHUNK)
    except (ConnectionError, ClientDisconnected, NoMoreData):
        abort(408, "The recording came too slowly, or broke off.")
    except ParseException:
        abort(400, "The recording does not come in the chunks of HTTP.")


def _chunks(answers) -> Iterator[bytes]:
    for answer in answers:
        if answer.WhichOneof("event") == "chunk":
            yield answer.chunk
