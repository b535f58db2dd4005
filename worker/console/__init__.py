"""The console: how everything stands, in a browser."""
