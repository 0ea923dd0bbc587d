"""Fast-dLLM's dual cache: what stands before and behind the block is read as it was when the block began.

Source: Wu et al., "Fast-dLLM", arXiv 2505.22618, section 3.2, and generate_with_dual_cache of
github.com/NVlabs/Fast-dLLM. A fault of that code is absent here: it can leave positions of a block open, because it
takes no more passes than the block has steps, whatever the rule.
"""

from inference_service.caches.policy import Policy, Refreshed

CACHE = Policy(
    name="dual",
    summary="Keys and values before and behind the block are kept from when it began; the block alone is computed.",
    source="Wu et al., Fast-dLLM, arXiv 2505.22618; github.com/NVlabs/Fast-dLLM",
    costs="An approximation; a step costs a pass over the block alone.",
    exact=False,
    fits=lambda attention: not attention.settles,
    parameters=Refreshed,
    window=lambda first, end, size: (first, end),
)
