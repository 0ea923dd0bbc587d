"""The command line: `unmask <command>`, one file for each."""

import typer

from unmask.cli.caches import caches
from unmask.cli.generate import generate
from unmask.cli.import_nanogpt import import_nanogpt
from unmask.cli.models import models
from unmask.cli.record import record
from unmask.cli.recover import recover
from unmask.cli.replay import replay
from unmask.cli.samplers import samplers
from unmask.cli.score import score
from unmask.cli.serve import serve
from unmask.cli.why import why

app = typer.Typer(name="unmask", no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def main():
    """See, steer and serve diffusion language models."""


app.command()(serve)
app.command()(generate)
app.command()(record)
app.command()(replay)
app.command()(samplers)
app.command()(caches)
app.command()(score)
app.command()(why)
app.command()(recover)
app.command()(import_nanogpt)
app.add_typer(models, name="models")
