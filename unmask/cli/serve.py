"""`unmask serve`: the inference service and the web gateway, started and stopped together."""

import errno
import os
import re
import sys
import time
from typing import Annotated

import typer

from unmask.address import is_loopback, joined, listening_error, reachable
from unmask.cli.supervise import Child, run, say
from unmask.probe import answers, is_serving

# The whole time the service may take to bring running steps to their end.
SERVICE_GRACE = 30
# At least this long between two lines about the same phase of loading.
PROGRESS_SECONDS = 0.5


def serve(
    host: Annotated[str, typer.Option(envvar="UNMASK_WEB_HOST", help="Address of the page.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="UNMASK_WEB_PORT", min=1, max=65535, help="Port of the page.")] = 8000,
    grpc_host: Annotated[str, typer.Option(envvar="UNMASK_HOST", help="Address of the gRPC API.")] = "127.0.0.1",
    grpc_port: Annotated[
        int, typer.Option(envvar="UNMASK_PORT", min=1, max=65535, help="Port of the gRPC API.")
    ] = 50051,
    model: Annotated[
        str | None,
        typer.Option(
            envvar="UNMASK_MODEL", help="A name, a checkpoint folder or a hub id; the embedded one if not set."
        ),
    ] = None,
    family: Annotated[
        str | None,
        typer.Option(envvar="UNMASK_FAMILY", help="The family to decode it as, such as causal; recognised if not set."),
    ] = None,
    insecure: Annotated[
        bool,
        typer.Option(
            "--insecure", envvar="UNMASK_INSECURE", help="Allow addresses that other machines can reach, unprotected."
        ),
    ] = False,
    web: Annotated[bool, typer.Option("--web/--no-web", help="Serve the page too, or the gRPC API alone.")] = True,
):
    """Start the inference service and the page. Ctrl-C stops both."""
    wanted = [(grpc_host, grpc_port, "grpc", "UNMASK_PORT")]
    if web:
        wanted.append((host, port, "", "UNMASK_WEB_PORT"))
    for address, number, prefix, variable in wanted:
        problem = cannot_listen(address, number)
        if problem:
            option = f"--{prefix}-port" if prefix else "--port"
            say(f"Port {number} {problem}: choose another with {option} or {variable}.", file=sys.stderr)
            raise typer.Exit(1)

    target = joined(reachable(grpc_host), grpc_port)
    page = joined(reachable(host), port)
    shared = {"UNMASK_INSECURE": "1"} if insecure else {}
    children = [
        Child(
            "inference service",
            [sys.executable, "-m", "inference_service"],
            lambda: is_serving(target),
            shared
            | {"UNMASK_HOST": grpc_host, "UNMASK_PORT": str(grpc_port)}
            | ({"UNMASK_MODEL": model} if model else {})
            | ({"UNMASK_FAMILY": family} if family else {})
            | policy(host if web else grpc_host),
            shown=Progress(),
            grace=SERVICE_GRACE,
        )
    ]
    if web:
        children.append(
            Child(
                "web gateway",
                [sys.executable, "-m", "web_gateway"],
                lambda: answers(f"http://{page}/healthz"),
                shared | {"UNMASK_WEB_HOST": host, "UNMASK_WEB_PORT": str(port), "UNMASK_INFERENCE_ADDRESS": target},
                # Its own line with the address comes before there is anything to see there.
                shown=lambda line: None if line.startswith("Unmask: http") else line,
            )
        )

    def announce():
        say(f"\nUnmask is ready: http://{page}\n" if web else f"\nUnmask is ready: gRPC at {target}\n")
        say("Ctrl-C stops it.")

    say(f"Starting Unmask with {model or 'the embedded model'} ...")
    raise typer.Exit(run(children, announce))


def cannot_listen(host, port) -> str | None:
    """What is wrong with the address, to follow the words 'Port N'; None if it is free."""
    error = listening_error(host, port)
    if error is None:
        return None
    if error.errno == errno.EADDRINUSE:
        return "is taken"
    return f"of {host} cannot be listened on ({error.strerror or error})"


def policy(host) -> dict[str, str]:
    """What the service has to be told where callers come in at `host`.

    The service itself listens on loopback and would let them load any folder, as its own machine's users may.
    """
    if is_loopback(host) or os.environ.get("UNMASK_MODEL_POLICY"):
        return {}
    return {"UNMASK_MODEL_POLICY": "catalog"}


class Progress:
    """Turns the service's UNMASK lines into some for people: each phase, and its tenths if they take time."""

    def __init__(self, clock=time.monotonic):
        self._clock = clock
        self._last: tuple[str, int] | None = None
        self._shown_at = 0.0

    def __call__(self, line) -> str | None:
        if line.startswith("UNMASK READY"):
            return "ready"
        loading = re.fullmatch(r"UNMASK LOADING (\w+) (\d+)(?:/(\d+))?", line)
        if not loading:
            return line
        phase, done, total = loading.groups()
        tenths = 10 * int(done) // int(total) if total and int(total) else 0
        now = self._clock()
        if self._last and self._last[0] == phase and (
                self._last[1] == tenths or now - self._shown_at < PROGRESS_SECONDS):
            return None
        self._last, self._shown_at = (phase, tenths), now
        return phase.replace("_", " ") + (f" {10 * tenths} %" if tenths else "")
