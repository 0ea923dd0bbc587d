"""See, steer and serve diffusion language models: client library and command line."""
