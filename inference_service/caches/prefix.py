"""Fast-dLLM's prefix cache: what stands before the block is read as it was when the block began.

Source: Wu et al., "Fast-dLLM", arXiv 2505.22618, section 3.2, and generate_with_prefix_cache of
github.com/NVlabs/Fast-dLLM.
"""

from inference_service.caches.policy import Policy, Refreshed

CACHE = Policy(
    name="prefix",
    summary="Keys and values before the block are kept from when it began; the block and all behind it are computed.",
    source="Wu et al., Fast-dLLM, arXiv 2505.22618; github.com/NVlabs/Fast-dLLM",
    costs="An approximation; a step costs a pass over the block and what stands behind it.",
    exact=False,
    fits=lambda attention: not attention.settles,
    parameters=Refreshed,
    window=lambda first, end, size: (first, size),
)
