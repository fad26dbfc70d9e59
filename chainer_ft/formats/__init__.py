"""One file a format, reader and writer together; all of them registered through the hooks."""
