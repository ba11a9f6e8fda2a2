"""GPU clusters, their nodes and add-ons."""
