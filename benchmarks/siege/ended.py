"""How a call ended, as a client sees it, and what no end of a call may hold."""

from __future__ import annotations

import getpass
import re
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from benchmarks.siege.processes import ROOT

DOMAIN = "unmask.v1"
# What an answer of the caller's own side looks like: nothing that the service said.
OWN = {"CANCELLED", "DEADLINE_EXCEEDED"}
CLASSES = re.compile(r"Traceback|<class '|\bFile \"|\.py\b|\b0x[0-9a-f]{6,}|\b[A-Z]\w*(Error|Exception)\b|\b_\w+_pb2\b")


@dataclass(frozen=True)
class Ended:
    """A call's end. answers: messages that came first. seconds: until the end. retry: seconds, where told."""

    code: str
    reason: str = ""
    message: str = ""
    details: str = ""
    retry: float | None = None
    typed: bool = False
    answers: int = 0
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return self.code == "OK"

    def __str__(self) -> str:
        return f"{self.code} {self.reason}".strip()


def end_of(error: grpc.RpcError, answers: int = 0, seconds: float = 0.0) -> Ended:
    """The status of a failed call with what its details say."""
    info, retry, details, typed = error_details_pb2.ErrorInfo(), None, [], False
    try:
        status = rpc_status.from_call(error)
    except ValueError as mismatch:  # details that contradict the status
        status, details = None, [str(mismatch)]
    for detail in status.details if status else ():
        again, bad = error_details_pb2.RetryInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            typed = info.domain == DOMAIN and bool(info.reason)
            details.append(str(info))
        elif detail.Unpack(again):
            retry = again.retry_delay.ToNanoseconds() / 1e9
        elif detail.Unpack(bad):
            details.append(str(bad))
        else:
            details.append(str(detail))
    return Ended(error.code().name, info.reason, error.details() or "", "\n".join(details), retry, typed, answers,
                 seconds)


def ask(call: Callable, request, timeout: float = 30, most: int | None = None, **more) -> Ended:
    """Makes a call and reads it to its end. most: after so many answers a stream is cancelled, which is OK."""
    begun, answers = time.monotonic(), 0
    try:
        answer = call(request, timeout=timeout, **more)
        if isinstance(answer, Iterable) and hasattr(answer, "cancel"):
            for _ in answer:
                answers += 1
                if answers == most:
                    answer.cancel()
                    break
        else:
            answers = 1
    except grpc.RpcError as error:
        return end_of(error, answers, time.monotonic() - begun)
    return Ended("OK", answers=answers, seconds=time.monotonic() - begun)


def hidden_paths(folders: Iterable[Path] = ()) -> list[str]:
    """Folders whose names no client should ever see: the code's, Python's, the user's, the service's own."""
    paths = {ROOT, Path.home(), Path(sys.prefix), Path(sys.base_prefix), Path(sysconfig.get_path("purelib")),
             Path(tempfile.gettempdir()), *folders}
    shown = {str(path) for path in paths} | {str(path.resolve()) for path in paths}
    return sorted((name for name in shown if len(name) > 2), key=len, reverse=True) + [
        "site-packages", f"/home/{getpass.getuser()}"]


def fault(end: Ended, hidden: Iterable[str]) -> str | None:
    """What is wrong with an end of a call, whatever was sent; None where nothing is."""
    if end.code in ("INTERNAL", "UNKNOWN", "UNIMPLEMENTED"):
        return f"{end.code}: {end.message[:300]}"
    text = f"{end.message}\n{end.details}"
    for path in hidden:
        if path in text:
            return f"the server's {path} in: {text[:300]}"
    if found := CLASSES.search(text):
        return f"{found[0]!r} in: {text[:300]}"
    if end.ok or end.code in OWN:
        return None
    if not end.typed:
        return f"{end.code} without ErrorInfo: {end.message[:300]}"
    if end.code == "RESOURCE_EXHAUSTED" and end.retry is None:
        return f"{end} without RetryInfo: {end.message[:300]}"
    return None
