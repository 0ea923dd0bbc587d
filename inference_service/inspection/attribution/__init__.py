"""Why a token: what each decided position of a canvas had to do with its probability."""
