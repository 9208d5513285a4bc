"""HTTP beyond the upgrade: an application of Starlette, and the page that it serves."""
