"""Builds the extension: Rust's part with cargo, one C file with the C compiler, both in one module for all CPythons from 3.9 on.

A source distribution carries the Rust sources in `rust/`; in a checkout they are two levels up.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist

HERE = Path(__file__).resolve().parent
VENDORED = HERE / "rust"
ROOT = VENDORED if VENDORED.is_dir() else HERE.parent.parent
# Not the benches, which no user builds.
SOURCES = ["Cargo.lock", "engine", "ffi", "include", ".cargo", "LICENSE"]
MEMBERS = '["engine", "ffi", "ffi/library"]'


class BuildExtension(build_ext):
    def build_extension(self, ext):
        cargo = os.environ.get("CARGO", "cargo")
        if shutil.which(cargo) is None:
            sys.exit(
                "perilune: cargo is missing. Its engine is Rust: install it from https://rustup.rs "
                "(1.91 or later), or set CARGO to where it is."
            )
        if not any(shutil.which(compiler) for compiler in ("c++", "g++", "clang++")) and "CXX" not in os.environ:
            sys.exit("perilune: a C++ compiler is missing. Install one (Debian: apt-get install g++), or set CXX.")
        target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        subprocess.run(
            [cargo, "build", "--release", "--locked", "-p", "perilune-library"],
            cwd=ROOT,
            env={**os.environ, "CARGO_TARGET_DIR": str(target)},
            check=True,
        )
        ext.include_dirs = [str(ROOT / "include")]
        ext.extra_objects = [str(target / "release" / "libperilune.a")]
        ext.depends = [*ext.extra_objects, str(ROOT / "include" / "perilune.h")]
        super().build_extension(ext)


class SourceDistribution(sdist):
    def make_release_tree(self, base_dir, files):
        super().make_release_tree(base_dir, files)
        rust = Path(base_dir) / "rust"
        ignore = shutil.ignore_patterns("target", "tests", "fuzz", "examples")
        for name in SOURCES:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, rust / name, ignore=ignore, dirs_exist_ok=True)
            else:
                rust.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, rust / name)
        manifest = (ROOT / "Cargo.toml").read_text()
        (rust / "Cargo.toml").write_text(re.sub(r"(?m)^members = .*$", f"members = {MEMBERS}", manifest))
        shutil.copy2(HERE / "README.md", rust / "README.md")


def wheel_command():
    """A wheel for all CPythons from 3.9 on."""
    try:
        from setuptools.command.bdist_wheel import bdist_wheel
    except ImportError:
        return {}

    class Wheel(bdist_wheel):
        def finalize_options(self):
            self.py_limited_api = "cp39"
            super().finalize_options()

    return {"bdist_wheel": Wheel}


linux = sys.platform.startswith("linux")
setup(
    ext_modules=[
        Extension(
            "perilune._native",
            ["src/perilune/_native.c"],
            py_limited_api=True,
            extra_compile_args=["-std=c11", "-O2", "-fvisibility=hidden", "-Wall", "-Wextra"],
            # Names of Luau's and Rust's stay inside: other modules may have their own.
            extra_link_args=["-Wl,--exclude-libs,ALL", "-Wl,--gc-sections", "-Wl,-s"] if linux else [],
            libraries=["stdc++", "m", "pthread", "dl"] if linux else ["c++"],
        )
    ],
    cmdclass={"build_ext": BuildExtension, "sdist": SourceDistribution, **wheel_command()},
)
