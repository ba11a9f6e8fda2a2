"""A kit that judges any server of the API by its base URL, through the documents and tables in spec/ alone."""
