"""How a session's settings apply to one revision of it."""

from dataclasses import dataclass, field

from inference_service.errors import InvalidField
from inference_service.models.denoiser import ModelInfo
from inference_service.sampling.noise import Noise
from inference_service.sampling.registry import SAMPLERS, parameters_for
from inference_service.sampling.sampler import Ids, ParameterError, Parameters, Prediction, Proposal, Region, Sampler
from inference_service.sessions.frame import Settings
from inference_service.sessions.session import Session


@dataclass(frozen=True)
class Plan:
    """A sampler with all that it reads."""

    sampler: Sampler
    parameters: Parameters
    region: Region
    ids: Ids
    noise: Noise
    state: dict = field(default_factory=dict)

    @property
    def cfg_scale(self) -> float:
        return getattr(self.parameters, "cfg_scale", 0.0)

    @property
    def temperature(self) -> float:
        return getattr(self.parameters, "temperature", 0.0)

    @property
    def forbidden(self) -> tuple[int, ...]:
        """The tokens that these settings never generate."""
        no_eos = getattr(self.parameters, "logits_eos_inf", False) and self.ids.eos is not None
        return (*self.ids.forbidden, self.ids.eos) if no_eos else self.ids.forbidden

    def wanted(self) -> list[int]:
        """The positions whose logits the sampler needs."""
        return self.sampler.wanted(self.parameters, self.region, self.state)

    def propose(self, prediction: Prediction) -> Proposal:
        return self.sampler.propose(self.parameters, prediction, self.region, self.state, self.ids, self.noise)


def complete_settings(settings: Settings, length: int) -> Settings:
    """The settings with every parameter filled in. Raises InvalidField naming the one that is wrong."""
    sampler = SAMPLERS.get(settings.sampler)
    if sampler is None:
        raise InvalidField("settings.sampler", f"must be one of {', '.join(SAMPLERS)}; got {settings.sampler!r}")
    try:
        parameters = parameters_for(sampler, settings.parameters, length)
    except ParameterError as error:
        raise InvalidField(f"settings.parameters.{error.name}", error.message) from None
    return Settings(settings.sampler, parameters.model_dump(), settings.seed)


def plan_for(session: Session, revision: int, settings: Settings | None, info: ModelInfo) -> Plan:
    """The plan at a revision, with other settings than its own if any are given."""
    state = session.state(revision)
    chosen = settings or state.settings
    sampler = SAMPLERS[chosen.sampler]
    return Plan(
        sampler,
        sampler.parameters(**chosen.parameters),
        Region(session.origin.prompt_length, session.origin.length, state.open),
        Ids(info.forbidden_tokens, info.eos_token, info.eot_token),
        Noise(chosen.seed, revision),
        state.sampler_state if chosen.sampler == state.settings.sampler else {},
    )
