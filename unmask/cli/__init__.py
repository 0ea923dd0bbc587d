"""The command line: `unmask <command>`, one file for each."""

import typer

from unmask.cli.generate import generate
from unmask.cli.models import models
from unmask.cli.record import record
from unmask.cli.replay import replay
from unmask.cli.samplers import samplers
from unmask.cli.serve import serve

app = typer.Typer(name="unmask", no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def main():
    """See, steer and serve diffusion language models."""


app.command()(serve)
app.command()(generate)
app.command()(record)
app.command()(replay)
app.command()(samplers)
app.add_typer(models, name="models")
