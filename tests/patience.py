"""How long a test waits for what must come.

It is there to end a hang and says nothing of speed: machines are slow, and busy with other work. What a test says of
order it shows with gates and events, and of cost by counting.
"""

PATIENCE = 300  # seconds; pytest's own timeout, in pyproject.toml, is longer
