"""How a session's settings apply to one revision of it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pydantic import ValidationError

from inference_service.caches.policy import CacheParameters, Policy
from inference_service.caches.registry import POLICIES, fitting, policy_for
from inference_service.engine.active_constraint import Active
from inference_service.engine.constraining import active
from inference_service.engine.constraint_checking import WITNESS
from inference_service.errors import FailedPrecondition, InvalidField
from inference_service.models.denoiser import Denoiser, ModelInfo
from inference_service.sampling.ending import behind_end, filled
from inference_service.sampling.noise import Noise
from inference_service.sampling.parameters import Blockwise, Extent, ParameterError, Parameters, resolved
from inference_service.sampling.region import Region, block_end, current_block
from inference_service.sampling.registry import SAMPLERS, parameters_for, suitable
from inference_service.sampling.sampler import AnySampler, Ids, Need, Prediction, Proposal, SamplingContext
from inference_service.sessions.frame import CacheChoice, Constraint, Settings
from inference_service.sessions.session import Session
from inference_service.sessions.state import State

log = logging.getLogger(__name__)

NEEDS = {Need.WHOLE: "in which every position sees every other", Need.BLOCKS: "whose positions may be open anywhere",
         Need.END: "that writes from left to right"}
MORE_TOKENS = 64  # that a text may have which was opened again at its end


@dataclass(frozen=True)
class Plan:
    """A sampler with all that it reads. asked: the constraint in force. active: what comes of it on this canvas.

    policy, cache: what is kept between passes, and its record.
    """

    sampler: AnySampler
    context: SamplingContext[Parameters]
    asked: Constraint | None = None
    active: Active | None = None
    policy: Policy = POLICIES["none"]
    cache: CacheParameters = CacheParameters()
    cache_choice: CacheChoice | None = None

    @property
    def settings(self) -> Settings:
        """The settings that it follows, complete."""
        return Settings(self.sampler.name, self.parameters.model_dump(), self.context.noise.seed, self.asked,
                        self.cache_choice)

    @property
    def cfg_scale(self) -> float:
        """How far to lean on the prompt; 0 for samplers without guidance."""
        return getattr(self.parameters, "cfg_scale", 0.0)

    @property
    def open(self) -> list[int]:
        """The open positions."""
        return list(self.context.region.open)

    @property
    def parameters(self) -> Parameters:
        return self.context.parameters

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.sampler.finished(self.context)

    @property
    def ended(self) -> bool:
        """Whether the text has ended and only filling up is left."""
        return getattr(self.parameters, "early_stop", False) and bool(behind_end(self.context))

    def wanted(self) -> list[int]:
        """The positions whose logits the sampler needs."""
        return [] if self.ended else self.sampler.wanted(self.context)

    def recalls(self) -> tuple[int, list[int]] | None:
        """The earlier revision, and the positions, whose prediction the sampler needs as well."""
        return None if self.ended else self.sampler.recalls(self.context)

    def reach(self) -> int:
        """How much of the canvas the model sees, from its start: all of it but for a suffix window.

        The window begins where the block ends; a token that is decided further right is seen all the same.
        """
        region = self.context.region
        size = region.start + region.length
        if not isinstance(self.parameters, Blockwise) or not region.open:
            return size
        block, _ = current_block(region, self.parameters.block_size)
        end = block_end(region, block, self.parameters.block_size)
        decided = max((position + 1 for position in range(size) if region.tokens[position] is not None), default=0)
        return min(size, max(decided, end + resolved(self.parameters.suffix_window)))

    def constrained(self, denoiser: Denoiser, key: str) -> "Plan":
        """The plan with its constraint on what is drawn. key: whose canvas it is. Raises as constraining.active."""
        if self.asked is None or self.active is not None:
            return self
        region = self.context.region
        made = active(self.asked, denoiser, region.start, key, self.context.state.get(WITNESS))
        state = {name: value for name, value in self.context.state.items() if name != WITNESS}
        context = replace(self.context, state=state,
                         allowed=lambda positions: made.allowed(region.tokens, positions))
        return replace(self, context=context, active=made)

    def propose(self, prediction: Prediction) -> Proposal:
        proposal = self._proposal(prediction)
        return self.active.checked(proposal, prediction, self.context) if self.active else proposal

    def _proposal(self, prediction: Prediction) -> Proposal:
        if self.ended:
            return filled(Proposal(state=self.context.state), self.context)
        proposal = self.sampler.propose(prediction, self.context)
        return filled(proposal, self.context) if getattr(self.parameters, "early_stop", False) else proposal


def complete_settings(settings: Settings, length: int, info: ModelInfo, holes: int = 0, start: int = 0) -> Settings:
    """The settings with every parameter filled in. Raises InvalidField naming the one that is wrong.

    length: of the generated part. holes: open positions in the prompt. start: of the generated part.
    """
    sampler = SAMPLERS.get(settings.sampler)
    able = suitable(info.attention.offers)
    names = ", ".join(one.name for one in able)
    if sampler is None:
        raise InvalidField("settings.sampler", f"must be one of {names}; got {settings.sampler!r}")
    if sampler not in able:
        raise InvalidField("settings.sampler", f"{sampler.name!r} needs a model {NEEDS[sampler.needs]}, and that of"
                                               f" {info.name!r} is {info.attention.name}: {info.attention.summary};"
                                               f" must be one of {names}")
    if settings.constraint and settings.parameters.get("logits_eos_inf"):
        raise InvalidField("settings.parameters.logits_eos_inf", "must be false with a constraint, whose text has to"
                                                                 " end")
    try:
        parameters = parameters_for(sampler, {**info.defaults_of(sampler.name), **settings.parameters}, length, holes,
                                    info.attention.block_size, _lead(info, start))
        if getattr(parameters, "early_stop", False) and info.eos_token is None:
            raise ParameterError("early_stop", f"must be false: {info.name!r} has no end-of-text id to fill up with;"
                                               " load it with one, as the token id eos")
    except ParameterError as error:
        raise InvalidField(f"settings.parameters.{error.name}", error.message) from None
    return replace(settings, parameters=parameters.model_dump(), cache=complete_cache(settings, info))


def complete_cache(settings: Settings, info: ModelInfo) -> CacheChoice | None:
    """The cache with every parameter filled in; None for what the model has by itself. Raises InvalidField."""
    if settings.cache is None:
        return None
    policy, record = policy_for(settings.cache.name, settings.cache.parameters, info,
                                SAMPLERS[settings.sampler])
    return None if policy == fitting(info)[0] else CacheChoice(policy.name, record.model_dump())


def _lead(info: ModelInfo, start: int) -> int:
    """How many of the prompt's positions are in one of the model's own blocks with the first generated one."""
    origin = info.attention.origin(start)
    return 0 if origin is None else start - origin


def fitted_settings(settings: Settings, before: State, after: State, info: ModelInfo,
                    asked: int | None = None) -> Settings:
    """The settings for a canvas whose generated part has become longer or shorter.

    What followed the length follows it still; a number of blocks or steps that does not fit any more is the next
    that does. What does not fit after that takes its default, that one alone: the frame's settings say so. asked:
    tokens that a turn that was appended is to have at most. Raises InvalidField where it is no parameter that is wrong.
    """
    parameters = dict(settings.parameters)
    if info.attention.append_only and "max_tokens" in parameters:
        written = after.length - after.tokens.count(None)
        spent = None in after.tokens and written >= parameters["max_tokens"]  # opened by hand: it is to go on
        parameters["max_tokens"] = asked or (written + MORE_TOKENS if spent else parameters["max_tokens"])
        return replace(settings, parameters=parameters)
    own = info.attention.block_size
    for name in ("suffix_window",) if own else ("block_length", "suffix_window"):
        if parameters.get(name) == before.length:
            parameters[name] = max(1, after.length)
    length = max(1, after.length)
    block = parameters.get("block_length")
    if block is not None and not own and (block > length or length % block):
        parameters["block_length"] = block = length
    if block and parameters.get("steps"):
        blocks = Extent(length, length, lead=_lead(info, after.start)).blocks(block)
        parameters["steps"] = -(-parameters["steps"] // blocks) * blocks
    while True:
        try:
            return complete_settings(replace(settings, parameters=parameters), after.length, info, after.holes,
                                     after.start)
        except InvalidField as error:
            name = error.field.removeprefix("settings.parameters.")
            if name not in parameters:
                raise
            del parameters[name]
            log.info("%s fits no generated part of %d positions and takes its default", name, after.length)


def plan_for(session: Session, revision: int, settings: Settings | None, info: ModelInfo,
             drawn_at: int | None = None) -> Plan:
    """The plan at a revision, with other settings than its own if any are given.

    drawn_at: the revision whose noise the step takes, by default its own: the one before the frame that it makes.
    """
    state = session.state(revision)
    plan = plan_of(state, revision, settings or state.settings, info, drawn_at)
    return plan if recallable(session, plan) else replace(plan, context=replace(plan.context, state={}))


def recallable(session: Session, plan: Plan) -> bool:
    """Whether what the sampler recalls can be had. Where its canvas was trimmed, or is another, it begins afresh."""
    recalled = plan.recalls() if plan.context.state and not plan.finished else None
    if recalled is None:
        return True
    revision, positions = recalled
    return session.can_tell(revision) and max(positions, default=0) < session.state(revision).size


def check_state(sampler: AnySampler, state: Mapping[str, object]) -> None:
    """Raises FailedPrecondition for what this sampler cannot have left; recordings are written by anybody."""
    if sampler.state is None or not set(state) - {WITNESS}:
        return
    try:
        sampler.state.model_validate(state)
    except ValidationError:
        raise FailedPrecondition(
            f"the state that {sampler.name!r} carries at this revision does not fit it; go on with another sampler, or"
            " from another revision", reason="SAMPLER_STATE_UNFIT") from None


def plan_of(state: State, revision: int, settings: Settings, info: ModelInfo, drawn_at: int | None = None) -> Plan:
    """The plan for a state.

    Raises InvalidField for settings, of another program or version, that are none here, and FailedPrecondition for
    what a sampler remembers that does not fit it.
    """
    sampler = SAMPLERS.get(settings.sampler)
    if sampler is None:
        raise InvalidField("settings.sampler", f"no sampler here is called {settings.sampler!r}; must be one of"
                                               f" {', '.join(one.name for one in suitable(info.attention.offers))}")
    try:
        # Completed again: a session of an earlier version lacks the parameters that came later.
        parameters = parameters_for(sampler, settings.parameters, state.length, block=info.attention.block_size,
                                    lead=_lead(info, state.start))
    except ParameterError as error:
        raise InvalidField(f"settings.parameters.{error.name}", error.message) from None
    choice = settings.cache
    policy, cache = (fitting(info)[0], CacheParameters()) if choice is None else policy_for(
        choice.name, choice.parameters, info, sampler)
    remembered = state.sampler_state if settings.sampler == state.settings.sampler else {}
    check_state(sampler, remembered)
    region = Region(state.start, state.length, state.open, state.tokens, state.given, state.by_hand, state.protected,
                    info.attention.origin(state.start))
    return Plan(sampler, SamplingContext(
        parameters,
        region,
        Ids(info.forbidden_tokens, info.eos_token, info.eot_token, info.more_ends,
            info.unnamed_tokens),
        Noise(settings.seed, revision if drawn_at is None else drawn_at),
        remembered,
        revision,
    ), settings.constraint, policy=policy, cache=cache, cache_choice=choice)
