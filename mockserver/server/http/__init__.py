"""HTTP: bodies, credentials, responses, origins."""
