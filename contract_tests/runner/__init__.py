"""One run of the kit: options, controller, clean-up."""
