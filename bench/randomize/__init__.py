"""Allocations per second through HTTP, beside the same SQL through pgbench."""
