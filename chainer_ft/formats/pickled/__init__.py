"""Python pickles as data: nothing named in one is ever imported, looked up or called."""
