"""How the store keeps sessions: the messages of the API, serialized.

A session's origin is its Session message at revision 0; a frame is its Frame message. So what is on
disk is documented by the protos and grows by their rules.
"""

from inference_service.rpc import convert
from inference_service.sessions.frame import Frame, Settings
from inference_service.sessions.session import Origin, State
from unmask.v1 import frame_pb2, session_service_pb2

OPEN = convert.PositionState.POSITION_STATE_OPEN
IDLE = session_service_pb2.Session.STATE_IDLE


class ProtoCodec:
    """The store's codec; see sessions.collection.Codec."""

    def origin_to_bytes(self, origin: Origin) -> bytes:
        state = State(origin.given, Settings("", {}, 0), {}, 0)
        return convert.session_to_proto(origin, state, 0, 0, IDLE, origin.create_time,
                                        origin.create_time + origin.ttl).SerializeToString()

    def origin_from_bytes(self, data: bytes) -> Origin:
        session = session_service_pb2.Session.FromString(data)
        tokens, states = session.canvas.tokens, session.canvas.states
        given = tuple(None if state == OPEN else token for token, state in zip(tokens, states, strict=True))
        created = session.create_time.ToNanoseconds() / 1e9
        return Origin(session.id, session.model, given, session.prompt_length, tokens[given.index(None)], created,
                      session.expire_time.ToNanoseconds() / 1e9 - created)

    def frame_to_bytes(self, frame: Frame) -> bytes:
        return convert.frame_to_proto(frame).SerializeToString()

    def frame_from_bytes(self, data: bytes) -> Frame:
        return convert.frame_from_proto(frame_pb2.Frame.FromString(data))
