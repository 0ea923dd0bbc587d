"""Runs the gateway: python -m web_gateway."""

import argparse
import os
import sys

from gunicorn.app.wsgiapp import WSGIApplication
from pydantic import ValidationError

from unmask.address import listening_error

from .config import Settings


def main():
    parser = argparse.ArgumentParser(
        prog="python -m web_gateway",
        description="Serves the page and carries its WebSocket to the inference service.",
        epilog="Settings are environment variables: "
        + ", ".join(f"UNMASK_{name.upper()}" for name in Settings.model_fields),
    )
    parser.add_argument("--insecure", action="store_true", help="allow an address that other machines can reach")
    if parser.parse_args().insecure:
        # By the environment, because the worker reads the settings again.
        os.environ["UNMASK_INSECURE"] = "1"
    try:
        settings = Settings()
    except ValidationError as error:
        for problem in error.errors():
            name = "".join(f"UNMASK_{part}: ".upper() for part in problem["loc"][:1])
            print(f"web_gateway: {name}{problem['msg'].removeprefix('Value error, ')}", file=sys.stderr)
        return 2
    if problem := cannot_bind(settings):
        print(f"web_gateway: {problem}", file=sys.stderr)
        return 1
    sys.argv = ["gunicorn", "-c", "python:web_gateway.gunicorn_conf", "web_gateway.app:create_app()"]
    return WSGIApplication("%(prog)s").run()


def cannot_bind(settings: Settings) -> str | None:
    """Why the address cannot be listened on. gunicorn finds out by itself too, but after five seconds of tries."""
    error = listening_error(settings.web_host, settings.web_port)
    if error is None:
        return None
    why = error.strerror or str(error)
    return f"cannot listen on {settings.bind}: {why}; UNMASK_WEB_PORT and UNMASK_WEB_HOST choose another address"


if __name__ == "__main__":
    sys.exit(main())
