"""Builds the extension and the command: Rust's part with cargo, the C files in `native/` with the C compiler, both in one module for all
CPythons from 3.9 on; the command `perilune` is a program of Rust alone, and stands among the scripts of the installation.

A source distribution carries the Rust sources in `rust/`; in a checkout they are two levels up.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from functools import lru_cache
from pathlib import Path

from setuptools import Command, Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist

HERE = Path(__file__).resolve().parent
VENDORED = HERE / "rust"
ROOT = VENDORED if VENDORED.is_dir() else HERE.parent.parent
# What the members of the workspace need; without one of them, its lock file would not be that of the manifest.
SHARED = ["Cargo.toml", "Cargo.lock", "include", "README.md", "LICENSE"]


def needed(variable, names, complaint):
    """The program that the variable names, or else the first of the names that is on the PATH."""
    found = os.environ.get(variable) or next(filter(shutil.which, names), None)
    if found is None:
        sys.exit(f"perilune: {complaint}, or set {variable}.")
    return found


@lru_cache(maxsize=None)
def built():
    """The folder of the library and the command, which are built at once: the engine in both is compiled once."""
    cargo = needed("CARGO", ["cargo"], "cargo is missing. The engine is Rust: get it from https://rustup.rs (1.91 or later)")
    needed("CXX", ["c++", "g++", "clang++"], "a C++ compiler is missing. Get one (Debian: apt-get install g++)")
    target = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
    subprocess.run(
        [cargo, "build", "--release", "--locked", "-p", "perilune-library", "-p", "perilune-cli"],
        cwd=ROOT,
        env={**os.environ, "CARGO_TARGET_DIR": str(target)},
        check=True,
    )
    return target / "release"


class BuildExtension(build_ext):
    def build_extension(self, ext):
        release = built()
        ext.include_dirs = [str(ROOT / "include")]
        ext.extra_objects = [str(release / "libperilune.a")]
        ext.depends = [*ext.extra_objects, "native/native.h", str(ROOT / "include" / "perilune.h")]
        # An interpreter that was built for a directory of its own would have modules look for libraries there.
        self.compiler.linker_so = [part for part in self.compiler.linker_so if not part.startswith("-Wl,-rpath")]
        super().build_extension(ext)


class BuildScripts(Command):
    """The one of setuptools reads scripts as text, for the interpreter in their first line."""

    user_options = [("build-dir=", None, "where the command goes")]

    def initialize_options(self):
        self.build_dir = None

    def finalize_options(self):
        self.set_undefined_options("build", ("build_scripts", "build_dir"))

    def get_source_files(self):
        return []

    def run(self):
        self.mkpath(self.build_dir)
        self.copy_file(str(built() / "perilune"), self.build_dir)


class SourceDistribution(sdist):
    def make_release_tree(self, base_dir, files):
        super().make_release_tree(base_dir, files)
        rust = Path(base_dir) / "rust"
        rust.mkdir(exist_ok=True)
        manifest = (ROOT / "Cargo.toml").read_text()
        members = re.findall('"(.*?)"', re.search(r"(?ms)^members = \[(.*?)\]", manifest)[1])
        for name in [*SHARED, *members]:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, rust / name, ignore=shutil.ignore_patterns("target"), dirs_exist_ok=True)
            else:
                shutil.copy2(source, rust / name)


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
# In the checkout they would be in the way, and a module that is gone from it would stay in wheels.
scratch = tempfile.TemporaryDirectory()
setup(
    options={"build": {"build_base": scratch.name}, "egg_info": {"egg_base": scratch.name}},
    ext_modules=[
        Extension(
            "perilune._native",
            sorted(map(str, Path("native").glob("*.c"))),
            py_limited_api=True,
            extra_compile_args=[
                "-std=c11", "-O2", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wno-unused-parameter",
                "-Werror=implicit-function-declaration",
            ],  # fmt: skip
            # Names of Luau's and Rust's stay inside: other modules may have their own.
            extra_link_args=["-Wl,--exclude-libs,ALL", "-Wl,--gc-sections", "-Wl,-s"] if linux else [],
            libraries=["stdc++", "m", "pthread", "dl"] if linux else ["c++"],
        )
    ],
    scripts=["perilune"],
    cmdclass={"build_ext": BuildExtension, "build_scripts": BuildScripts, "sdist": SourceDistribution, **wheel_command()},
)
