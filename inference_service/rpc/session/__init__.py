"""SessionService, a file for each call or group of calls: a call is found by its name."""
