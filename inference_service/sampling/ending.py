"""Filling up after the end of the text: what stands behind it says nothing and needs no forward pass."""

from dataclasses import replace

from inference_service.sampling.sampler import Commit, Moment, Proposal


def fill_after_end(proposal: Proposal, moment: Moment) -> Proposal:
    """The proposal with end-of-text for every open position behind an end that has none open before it.

    An end is an end-of-text or an end-of-turn. Early stop as in dInfer (arXiv 2510.08666), where it looks at
    end-of-text alone.
    """
    region, eos = moment.region, moment.ids.eos
    told = {commit.position: commit.token for commit in proposal.commits}
    still = [position for position in region.open if position not in told]
    if not still or eos is None:
        return proposal
    decided = (told.get(position, region.tokens[position]) for position in range(region.start, still[0]))
    if not any(token in moment.ids.ends for token in decided):
        return proposal
    return replace(proposal, commits=[*proposal.commits, *(Commit(position, eos, None, 0.0) for position in still)])
