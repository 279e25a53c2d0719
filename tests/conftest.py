"""Every test process sees 8 virtual CPU devices and shares one compilation cache."""

import os
import tempfile
from pathlib import Path

os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = (
    os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=8"
)
os.environ.setdefault(
    "JAX_COMPILATION_CACHE_DIR", str(Path(tempfile.gettempdir()) / "mathjax_jax_cache")
)
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.3")

import jax
import pytest
from hypothesis import settings

settings.register_profile("mathjax", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("mathjax")


@pytest.fixture
def one_device():
    """A mesh of the first device alone."""
    from mathjax.parallel import make_mesh

    return make_mesh(1, 1, 1, devices=jax.devices()[:1])
