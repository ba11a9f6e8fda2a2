"""The only room that knows HTTP: it introduces the others and speaks for them."""
