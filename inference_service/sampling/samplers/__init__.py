"""One file for each sampler. A file that is put here appears in the API, the command line and the page."""
