"""The Flask application: the page, its health and its WebSocket."""

import grpc
from flask import Flask, Response, abort, g, jsonify, request, send_from_directory
from flask_sock import Sock
from werkzeug.exceptions import HTTPException
from wsproto.utilities import RemoteProtocolError

from . import page, recordings
from .config import Settings
from .origins import refusal
from .socket import Sockets, handshake_and_close
from .upstream import Upstream
from .wire import BoundedSocket

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Cached files are asked about before each use, so that a new version shows at once.
    "Cache-Control": "no-cache",
}
# But for those whose address has their version in it, the page's own code among them.
LASTING = "public, max-age=31536000, immutable"


class Answered(Response):
    """What has been said on the socket itself."""

    def __call__(self, *_):
        raise StopIteration


def create_app(settings: Settings | None = None) -> Flask:
    """Makes the application.

    settings: by default those of the environment. Raises pydantic.ValidationError.
    """
    settings = settings or Settings()
    app = Flask(__name__, static_folder=None)
    upstream = Upstream(settings.inference_address)
    sockets = Sockets(upstream, settings)
    code = page.Code(settings.frontend_dir)
    app.extensions["unmask"] = (sockets, upstream)
    app.config["SOCK_SERVER_OPTIONS"] = {
        "ping_interval": settings.ping_interval,
        "max_message_size": settings.max_frame_bytes,
        "receive_bytes": 16 * 1024,
    }
    sock = Sock(app)
    # What gunicorn would read of a plain request's body: the page sends none.
    app.config["MAX_CONTENT_LENGTH"] = settings.max_frame_bytes

    @app.before_request
    def check_caller():
        if why := refusal(request.host, request.headers.get("Origin"), settings):
            abort(403, why)

    @app.before_request
    def check_handshake():
        if request.path != "/ws":
            return None
        if "gunicorn.socket" not in request.environ:
            abort(501, "WebSockets need gunicorn: python -m web_gateway.")
        environ = request.environ
        if request.method != "GET" or environ["RAW_URI"].partition("?")[0] != "/ws":
            abort(404)  # not what the worker knows a socket by
        if request.content_length or "Transfer-Encoding" in request.headers:
            abort(400, "A handshake has no body.")
        # No compression: it costs more time than it saves bytes, and bounds on sizes would bound nothing.
        environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
        if closing := sockets.enter():
            environ["gunicorn.socket"].sendall(handshake_and_close(request.headers, *closing))
            return Answered()
        g.in_socket = True
        outlet = environ["gunicorn.socket"]
        environ["gunicorn.socket"] = BoundedSocket(outlet.take(), settings.send_timeout)
        g.begun = outlet.begun
        return None

    @app.teardown_request
    def leave_socket(_):
        if g.pop("in_socket", False):
            sockets.leave()

    @sock.route("/ws")
    def websocket(ws):
        g.begun()
        sockets.serve(ws)

    app.register_blueprint(recordings.routes(upstream, settings))

    @app.get("/healthz")
    def healthz():
        return jsonify(gateway="SERVING")

    @app.get("/readyz")
    def readyz():
        try:
            health = upstream.health()
        except grpc.RpcError as error:
            health = error.code().name
        return jsonify(inference=health), 200 if health == "SERVING" else 503

    @app.get("/")
    @app.get("/index.html")
    def index():
        try:
            html = page.index(settings.frontend_dir, code)
        except OSError:
            abort(404, "There is no page here: UNMASK_FRONTEND_DIR names a folder without index.html.")
        response = Response(html, mimetype="text/html")
        response.headers["Content-Security-Policy"] = page.policy(html)
        response.add_etag()
        return response.make_conditional(request)

    @app.get("/<path:address>")
    def file(address):
        name, g.lasting = code.file_at(address)
        mimetype = page.mimetype(name)
        if mimetype is None or not page.lies_in(settings.frontend_dir, name):
            abort(404)
        return send_from_directory(settings.frontend_dir, name, mimetype=mimetype)

    @app.errorhandler(HTTPException)
    def plain(error):
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        if error.code == 503:
            headers["Retry-After"] = "1"
        return error.description or error.name, error.code, headers

    @app.errorhandler(RemoteProtocolError)
    def no_handshake(error):
        return f"Not a WebSocket handshake: {error}.", 400, {"Content-Type": "text/plain; charset=utf-8"}

    @app.after_request
    def secure(response):
        response.headers.update(HEADERS)
        if g.pop("lasting", False) and response.status_code in (200, 304):
            response.headers["Cache-Control"] = LASTING
        response.headers.setdefault("Content-Security-Policy", page.policy())
        return response

    return app
