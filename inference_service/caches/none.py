"""Nothing is kept: every pass goes over all that a position can see."""

from inference_service.caches.policy import Policy

CACHE = Policy(
    name="none",
    summary="Every pass goes over the whole canvas.",
    source="",
    costs="Exact; each step costs a pass over the whole canvas.",
    exact=True,
    fits=lambda attention: True,
    keeps=False,
)
