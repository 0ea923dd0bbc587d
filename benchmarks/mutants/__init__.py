"""How sharp the tests are: small changes of the code, one at a time, that some test should notice."""
