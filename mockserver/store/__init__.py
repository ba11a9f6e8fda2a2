"""Where worlds are stored: a narrow interface that knows nothing of the resources."""
