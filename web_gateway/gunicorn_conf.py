"""How gunicorn runs the gateway: gunicorn -c python:web_gateway.gunicorn_conf "web_gateway.app:create_app()"."""

import signal

from .config import Settings

_settings = Settings()

bind = _settings.bind
worker_class = "web_gateway.worker.Worker"
# One worker, so that caps and the stop of sockets hold for all of them.
workers = 1
# The worker counts its threads and connections itself, by what they do.
threads = 2
worker_connections = 1_000_000
# No header may say where the application is mounted: here every client comes from an address that gunicorn trusts.
forwarder_headers = ""
# Answers go through what holds them for slow readers.
sendfile = False
graceful_timeout = 5
accesslog = "-" if _settings.access_log else None
# Not "warning": that has a line for each request that is none, and so anybody could fill the log.
loglevel = "error"
control_socket_disable = True


def when_ready(server):
    print(f"Unmask: http://{bind}", flush=True)


def post_worker_init(worker):
    """Without this, open sockets would hold the worker until graceful_timeout and then drop without a close frame."""
    stopping = False

    def stop(number, frame):
        nonlocal stopping
        if not stopping:  # a second signal must not interrupt the goodbyes of the first
            stopping = True
            _sockets(worker).close_all()
            worker.handle_exit(number, frame)

    # The master sends SIGQUIT after Ctrl-C; here it means the same as SIGTERM. The terminal's own SIGINT, which reaches
    # the worker too, is left to the master.
    for number in (signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, stop)
        signal.siginterrupt(number, False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def worker_exit(server, worker):
    extension = getattr(worker, "wsgi", None)
    if extension is not None:
        worker.wsgi.extensions["unmask"][1].close()


def _sockets(worker):
    return worker.wsgi.extensions["unmask"][0]
