"""Keys and values of a text that is written from left to right: they never change, and nothing is computed twice."""

from inference_service.caches.policy import Policy

CACHE = Policy(
    name="causal",
    summary="Keys and values of all tokens before the open position, which no later token changes.",
    source="Pope et al., Efficiently Scaling Transformer Inference, arXiv 2211.05102, section 3.3",
    costs="Exact; a step costs a pass over one token.",
    exact=True,
    fits=lambda attention: attention.append_only,
)
