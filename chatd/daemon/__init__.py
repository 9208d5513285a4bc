"""The process: everything is built here once, and ended here in order."""
