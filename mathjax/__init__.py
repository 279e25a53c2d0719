"""Teach small language models mathematics with synthetic data, in JAX."""

__version__ = "0.1.0"
