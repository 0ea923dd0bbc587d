"""The attacks, a file for each kind of input."""

import importlib
import pkgutil

# In the order of what they are aimed at; a file that is not named here comes last.
ORDER = ("calls", "passes", "checkpoints", "constraints", "templates", "sizes", "crowds", "doors", "stores", "kills",
         "folders", "addresses")


def load_all() -> None:
    """Makes every attack known to `benchmarks.siege.attack.ATTACKS`."""
    names = {module.name for module in pkgutil.iter_modules(__path__)}
    for name in [*(name for name in ORDER if name in names), *sorted(names - set(ORDER))]:
        importlib.import_module(f"{__name__}.{name}")
