"""The policies by name, and the choice of one for a model and a sampler."""

import importlib
import pkgutil
from collections.abc import Mapping

from pydantic import ValidationError

from inference_service import caches
from inference_service.caches.policy import CacheParameters, Policy
from inference_service.errors import InvalidField
from inference_service.models.denoiser import ModelInfo
from inference_service.sampling.fields import allowed, fields_of
from inference_service.sampling.sampler import AnySampler


def _found() -> dict[str, Policy]:
    """Every module of this folder that makes one, in the order of their names."""
    modules = (importlib.import_module(f"{caches.__name__}.{module.name}")
               for module in pkgutil.iter_modules(caches.__path__) if f"{caches.__name__}.{module.name}" != __name__)
    return {module.CACHE.name: module.CACHE for module in modules if hasattr(module, "CACHE")}


POLICIES: dict[str, Policy] = _found()


def fitting(info: ModelInfo) -> list[Policy]:
    """The policies that can keep something of a model, the one that it has where nobody asks at the front.

    Of a model that was found to give other logits beside what is kept, those that are exact: it keeps nothing.
    """
    fit = [policy for policy in POLICIES.values()
           if policy.fits(info.attention) and (policy.exact or not info.cache_note)]
    return sorted(fit, key=lambda policy: (not policy.exact, not policy.keeps))


def policy_for(name: str, parameters: Mapping[str, object], info: ModelInfo,
               sampler: AnySampler) -> tuple[Policy, CacheParameters]:
    """A policy and its record, complete. Raises InvalidField naming what is wrong, and the choices."""
    fit, attention = fitting(info), info.attention
    names = ", ".join(policy.name for policy in fit)
    if name not in POLICIES:
        raise InvalidField("settings.cache.name", f"must be one of {names}; got {name!r}")
    policy = POLICIES[name]
    if policy not in fit:
        why = info.cache_note if policy.fits(attention) else f"is {attention.name}: {attention.summary}"
        raise InvalidField("settings.cache.name", f"{name!r} keeps nothing of {info.name!r}, which {why}; must be one"
                                                  f" of {names}")
    if not policy.suits(sampler):
        able = ", ".join(policy.name for policy in fit if policy.suits(sampler))
        raise InvalidField("settings.cache.name", f"{name!r} follows the block being decided, and the sampler"
                                                  f" {sampler.name!r} decides or opens positions elsewhere; must be one"
                                                  f" of {able}, or take another sampler")
    try:
        return policy, policy.parameters(**parameters)
    except ValidationError as error:
        wrong = str(error.errors()[0]["loc"][0])
        known = {field.name: field for field in fields_of(policy.parameters)}
        message = (allowed(known[wrong], parameters.get(wrong)) if wrong in known else
                   f"the cache {name!r} has no such parameter; its parameters: {', '.join(known) or 'none'}")
        raise InvalidField(f"settings.cache.parameters.{wrong}", message) from None
