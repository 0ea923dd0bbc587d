"""The samplers by name, found in `samplers/`."""

import importlib
import pkgutil
from collections.abc import Collection, Mapping

from pydantic import ValidationError

from inference_service.sampling import samplers
from inference_service.sampling.fields import ParameterDescription, allowed, fields_of
from inference_service.sampling.parameters import Extent, ParameterError, Parameters
from inference_service.sampling.sampler import AnySampler, Need


def _found() -> dict[str, AnySampler]:
    """Every module of `samplers/`, in the order of their names."""
    modules = (importlib.import_module(f"{samplers.__name__}.{module.name}")
               for module in pkgutil.iter_modules(samplers.__path__))
    return {module.SAMPLER.name: module.SAMPLER for module in modules}


SAMPLERS: dict[str, AnySampler] = _found()


def suitable(offers: Collection[Need], first: str = "") -> list[AnySampler]:
    """The samplers that need no more than a model's attention offers, one of them `first` if it is among them."""
    able = [sampler for sampler in SAMPLERS.values() if sampler.needs in offers]
    return sorted(able, key=lambda sampler: sampler.name != first)


def describe(sampler: AnySampler) -> list[ParameterDescription]:
    """The sampler's parameters: its own as they are declared, then those that it shares with others."""
    return fields_of(sampler.parameters)


def parameters_for(sampler: AnySampler, values: Mapping[str, object], length: int, holes: int = 0,
                   block: int = 0, lead: int = 0) -> Parameters:
    """The sampler's record from named values, completed for a canvas of `length` generated positions.

    holes: open positions in its prompt. block, lead: see Extent. A canvas of holes only (length 0) is completed as one
    of length 1: its holes are the first block.
    Raises ParameterError naming the parameter and what it allows.
    """
    try:
        record = sampler.parameters(**values)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        raise ParameterError(name, _range_of(sampler, name, values.get(name))) from None
    return record.resolve(Extent(max(1, length), max(1, length + holes), block, lead))


def _range_of(sampler: AnySampler, name: str, value: object) -> str:
    """What a parameter allows, in words."""
    by_name = {described.name: described for described in describe(sampler)}
    if name not in by_name:
        others = [other.name for other in SAMPLERS.values() if name in other.parameters.model_fields]
        known = f"; {', '.join(others)} {'have' if len(others) > 1 else 'has'} it" if others else ""
        return f"the sampler {sampler.name!r} has no such parameter{known}; its parameters: {', '.join(by_name)}"
    return allowed(by_name[name], value)
