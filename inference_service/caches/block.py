"""Keys and values of the blocks that are decided, where attention goes from block to block: they never change."""

from inference_service.caches.policy import Policy

CACHE = Policy(
    name="block",
    summary="Keys and values of all blocks before the one being decided, which nothing behind them changes.",
    source="Arriola et al., Block Diffusion, arXiv 2503.09573, section 3.3",
    costs="Exact; a step costs a pass over one block.",
    exact=True,
    fits=lambda attention: attention.settles and not attention.append_only,
)
