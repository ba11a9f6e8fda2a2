"""The data files that say what is true of the API, read once."""
