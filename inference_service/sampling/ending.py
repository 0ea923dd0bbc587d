"""Filling up after the end of the text: what stands behind it says nothing and needs no forward pass."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from inference_service.sampling.parameters import Parameters
from inference_service.sampling.sampler import Commit, Proposal, SamplingContext

NOTHING: Mapping[int, int] = MappingProxyType({})


def behind_end(context: SamplingContext[Parameters], told: Mapping[int, int] = NOTHING) -> list[int]:
    """The open positions behind an end that has none open before it, once the tokens told are committed.

    An end is an end-of-text or an end-of-turn. Early stop as in dInfer (arXiv 2510.08666), where it looks at
    end-of-text alone. None where end-of-text is never generated.
    """
    region, eos = context.region, context.ids.eos
    still = [position for position in region.open if position not in told]
    if not still or eos is None or eos in context.forbidden:
        return []
    decided = (told.get(position, region.tokens[position]) for position in range(region.start, still[0]))
    return still if any(token in context.ids.ends for token in decided) else []


def filled(proposal: Proposal, context: SamplingContext[Parameters]) -> Proposal:
    """The proposal with end-of-text at every open position behind the end."""
    told = {commit.position: commit.token for commit in proposal.commits}
    eos = context.ids.eos
    fill = [] if eos is None else [Commit(position, eos, None, 0.0) for position in behind_end(context, told)]
    return replace(proposal, commits=[*proposal.commits, *fill]) if fill else proposal
