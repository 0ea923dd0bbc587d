"""A session's settings from what a request says of them."""

import secrets

from inference_service.engine.plan import complete_settings
from inference_service.models.denoiser import ModelInfo
from inference_service.rpc import convert
from inference_service.sampling.registry import suitable
from inference_service.sessions.frame import Settings
from inference_service.sessions.state import State
from unmask.v1 import settings_pb2


def first_settings(message: settings_pb2.Settings, length: int, holes: int, info: ModelInfo, start: int) -> Settings:
    """The settings that a session starts with; a seed is drawn where none is given.

    length: of the generated part, which begins at `start`. holes: open positions in the prompt.
    """
    seed = message.seed if message.HasField("seed") else secrets.randbits(32)
    sampler = message.sampler or suitable(info.attention.offers, info.default_sampler)[0].name
    return complete_settings(Settings(sampler, convert.parameters_from_proto(message), seed,
                                      convert.constraint_from_proto(message.constraint),
                                      convert.cache_from_proto(message)), length, info, holes, start)


def later_settings(message: settings_pb2.Settings, state: State, info: ModelInfo) -> Settings:
    """The settings in force at a state, with some of them changed."""
    current = state.settings
    sampler = message.sampler or current.sampler
    kept = current.parameters if sampler == current.sampler else {}
    seed = message.seed if message.HasField("seed") else current.seed
    parameters = {**kept, **convert.parameters_from_proto(message)}
    constraint = convert.constraint_from_proto(message.constraint) if message.HasField("constraint") else (
        current.constraint)
    cache = convert.cache_from_proto(message) or current.cache
    return complete_settings(Settings(sampler, parameters, seed, constraint, cache), state.length, info, state.holes,
                             state.start)
