"""Recordings over plain HTTP: a file to download, a file to send. The service makes and reads them."""

import shutil
from collections.abc import Iterator
from itertools import chain
from tempfile import SpooledTemporaryFile

import grpc
from flask import Blueprint, Response, abort, request
from google.protobuf import json_format

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
        wanted = ExportRequest(session_id=session_id, form=ExportRequest.Form.Value(f"FORM_{form.upper()}"),
                               candidate_count=min(int(candidates[:9]), 2**31))
        answers = SessionServiceStub(upstream.channel).Export(wanted, timeout=settings.stream_timeout)
        try:
            first = next(chunk for chunk in _chunks(answers) if chunk)
        except grpc.RpcError as error:
            return refused(error)

        def file() -> Iterator[bytes]:
            yield first
            yield from _chunks(answers)

        name = f"{session_id}.{ENDINGS[form]}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(file(), mimetype="application/json" if form == "json" else "application/gzip", headers=headers)

    @blueprint.post("/recordings")
    def upload() -> Response:
        request.max_content_length = settings.max_recording_bytes
        request_id = request.args.get("request_id", "")[:100]
        with SpooledTemporaryFile(SPOOLED) as file:  # gRPC takes its pieces in a thread of its own
            shutil.copyfileobj(request.stream, file, CHUNK)
            file.seek(0)
            pieces = chain([b""], iter(lambda: file.read(CHUNK), b""))
            asked = (ImportRequest(chunk=piece, request_id=request_id) for piece in pieces)
            try:
                made = SessionServiceStub(upstream.channel).Import(asked, timeout=settings.stream_timeout)
            except grpc.RpcError as error:
                return refused(error)
        return Response(json_format.MessageToJson(made), 201, mimetype="application/json")

    return blueprint


def _chunks(answers) -> Iterator[bytes]:
    for answer in answers:
        if answer.WhichOneof("event") == "chunk":
            yield answer.chunk
