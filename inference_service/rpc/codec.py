"""How the store keeps sessions: the messages of the API, serialized.

A session's origin is its Session message at revision 0; a frame is its Frame message; a state is the Session message
at its revision. So what is on disk is documented by the protos and grows by their rules.
"""

from inference_service.rpc import convert
from inference_service.sessions.frame import Frame, Settings
from inference_service.sessions.state import Origin, State, first_state
from unmask.canvas import canvas_of
from unmask.v1 import frame_pb2, session_pb2


class ProtoCodec:
    """The store's codec; see sessions.stored.Codec."""

    def origin_to_bytes(self, origin: Origin) -> bytes:
        return convert.session_to_proto(
            origin, first_state(origin, Settings("", {}, 0)), 0,
            expire_time=convert.timestamp(origin.create_time + origin.ttl)).SerializeToString()

    def origin_from_bytes(self, data: bytes) -> Origin:
        session = session_pb2.Session.FromString(data)
        canvas, given = session.canvas, canvas_of(session).tokens
        created = session.create_time.ToNanoseconds() / 1e9
        # Earlier versions kept the mask only where the canvas shows it. 0 is shown where there is none.
        mask = session.mask_token if session.HasField("mask_token") else canvas.tokens[given.index(None)] or None
        return Origin(session.id, session.model, given, session.prompt_length, mask, created,
                      session.expire_time.ToNanoseconds() / 1e9 - created, session.weights)

    def frame_to_bytes(self, frame: Frame) -> bytes:
        return convert.frame_to_proto(frame).SerializeToString()

    def frame_from_bytes(self, data: bytes) -> Frame:
        return convert.frame_from_proto(frame_pb2.Frame.FromString(data))

    def state_to_bytes(self, origin: Origin, revision: int, state: State) -> bytes:
        return convert.base_to_proto(origin, state, revision).SerializeToString()

    def state_from_bytes(self, data: bytes) -> State:
        return convert.state_from_proto(session_pb2.Session.FromString(data))


def tree_of(frame: bytes) -> tuple[int, int]:
    """Parent and cause of a frame's bytes."""
    message = frame_pb2.Frame.FromString(frame)
    return message.parent_revision, message.cause
