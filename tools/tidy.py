#!/usr/bin/env python3
"""Checks the rules of the tree that a compiler does not: which module includes which, what a file may hold, and
that whatever has to be registered is. Prints file:line: text for each finding; ends with 1 when there are any.

Usage: tools/tidy.py [--root FOLDER]
"""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

COLUMNS_MAX = {".cc": 100, ".h": 100, ".py": 120}
LINES_MAX = 800
CPP = (".cc", ".h")

# Third-party headers by how their include begins, under the names of src/modules.txt.
LIBRARIES = {
    "openssl": ("openssl/",),
    "sodium": ("sodium.h", "sodium/"),
    "curl": ("curl/",),
    "nghttp2": ("nghttp2/",),
    "simdjson": ("simdjson.h",),
    "pugixml": ("pugixml.hpp",),
    "zlib": ("zlib.h",),
    "brotli": ("brotli/",),
    "zstd": ("zstd.h",),
    "fmt": ("fmt/",),
    "sqlite": ("sqlite3.h",),
    "cli11": ("CLI/",),
    "yamlcpp": ("yaml-cpp/",),
}
TEST_LIBRARIES = ("gtest/", "gmock/", "benchmark/")
SYSTEM = re.compile(
    r"(sys|netinet|arpa|linux|net)/\w+\.h"
    r"|(stdlib|unistd|fcntl|poll|netdb|ifaddrs|signal|pthread|sched|dirent|pwd|grp|termios|dlfcn|malloc|time"
    r"|[a-z]mmintrin|immintrin)"
    r"\.h"
)

# Split, so that this file does not hold what it looks for.
BANNED = [
    (re.compile("boost" + r"(::|/)"), "there is no Boost here"),
    (re.compile(r"std::" + r"(basic_)?regex\b"), "compile by hand what is matched per request"),
    (re.compile(r"\busing namespace std\b(?!::)"), "write std:: out"),
]
BANNED_IN_TESTS = [
    (re.compile(r"\b(sleep_" + r"for|sleep_" + r"until|u" + r"sleep|nano" + r"sleep)\b"), "a test waits for an event"),
    (re.compile(r"\b(GTEST_" + r"SKIP|DISABLED_\w+)"), "a test that does not run proves nothing"),
]
OPEN_WORK = re.compile(r"\b(TO" + r"DO\b(?!\(\w+\): \S)|FIX" + r"ME\b|X" + r"XX\b)")
MACHINE_PATH = re.compile(r"(?<![\w.}])/((home|Users|work" + r")/\w|root/\.)")
BARE_AWAIT = re.compile(r"^\s*co_await\b")
AWAIT_IS_VOID = "// nothing to check"
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
LOCK_FILES = ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml")
REGISTRY = re.compile(r'("resolved"|^\s*resolved|tarball:)\W+https?://|registry\.[\w.-]+\.\w+/')


class Modules:
    """src/modules.txt: what each module may include."""

    def __init__(self, text):
        self.uses, self.libraries, self.lines, self.findings = {}, {}, {}, []
        for number, line in enumerate(text.splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            matched = re.fullmatch(r"(\w+):([^|]*)\|(.*)", line)
            if not matched:
                self.findings.append((number, "not 'name: modules | libraries'"))
                continue
            name, uses, libraries = matched[1], matched[2].split(), matched[3].split()
            for other in uses:
                if other not in self.uses:
                    self.findings.append((number, f"'{other}' does not stand on an earlier line"))
            for library in libraries:
                if library not in LIBRARIES:
                    self.findings.append((number, f"'{library}' is not a library that tidy.py knows"))
            self.uses[name], self.libraries[name] = set(uses), set(libraries)
            self.lines[name] = number


def is_test(path):
    return re.search(r"_(test|fuzz|bench)\.cc$|test_support(_internal)?\.h$", path) is not None


class Tidy:
    def __init__(self, root):
        self.root = Path(root)
        self.findings = []
        self.included = set()  # Pairs of module and library.
        self.files = self.list_files()
        self.modules = Modules(self.read("src/modules.txt") or "")
        for number, text in self.modules.findings:
            self.find("src/modules.txt", number, text)

    def find(self, path, line, text):
        self.findings.append((path, line, text))

    def list_files(self):
        """What is or would be committed."""
        listed = subprocess.run(["git", "-C", str(self.root), "ls-files", "-co", "--exclude-standard", "-z"],
                                capture_output=True, text=True)
        if listed.returncode == 0:
            names = {name for name in listed.stdout.split("\0") if name}
            return sorted(name for name in names if (self.root / name).is_file())
        found = []
        for folder, folders, names in os.walk(self.root):
            folders[:] = [f for f in folders if f not in (".git", "build", "data", "node_modules", "__pycache__")]
            found += [os.path.relpath(os.path.join(folder, name), self.root) for name in names]
        return sorted(found)

    def read(self, path):
        """The text of a file; None when it is none."""
        try:
            raw = (self.root / path).read_bytes()
        except OSError:
            return None
        if b"\0" in raw[:4096]:
            return None
        return raw.decode("utf-8", "replace")

    def run(self):
        for path in self.files:
            # Inputs of fuzz targets and recorded bytes are not ours to shape.
            if path.startswith("fuzz/corpus/"):
                continue
            text = self.read(path)
            if text is None:
                continue
            lines = text.split("\n")
            self.check_text(path, lines)
            if Path(path).suffix in CPP:
                self.check_cpp(path, lines)
            if path.startswith("src/") and Path(path).suffix in CPP:
                self.check_includes(path, lines)
        self.check_registered("src/policy/builtin", "src/policy/builtin.cc")
        self.check_registered("src/ml/modules", "src/ml/modules/register.cc")
        self.check_decisions()
        self.check_unused_libraries()
        return self.findings

    def check_text(self, path, lines):
        suffix = Path(path).suffix
        columns = COLUMNS_MAX.get(suffix)
        if columns and len(lines) - 1 > LINES_MAX:
            self.find(path, LINES_MAX + 1, f"{len(lines) - 1} lines; at most {LINES_MAX}: split it")
        is_lock = Path(path).name in LOCK_FILES
        for number, line in enumerate(lines, 1):
            if columns and len(line) > columns:
                self.find(path, number, f"{len(line)} columns; at most {columns}")
            if is_lock and REGISTRY.search(line):
                self.find(path, number, "a lock file names no registry (npm: omit-lockfile-registry-resolved)")
            if OPEN_WORK.search(line):
                self.find(path, number, "open work has a name: TO" + "DO(name): reason")
            if MACHINE_PATH.search(line):
                self.find(path, number, "a path of one machine")

    def check_cpp(self, path, lines):
        if path.startswith("src/") and path.endswith(".h") and lines[0] != "#pragma once":
            self.find(path, 1, "a header begins with #pragma once")
        banned = BANNED + (BANNED_IN_TESTS if is_test(path) else [])
        for number, line in enumerate(lines, 1):
            for pattern, why in banned:
                if pattern.search(line):
                    self.find(path, number, f"'{pattern.search(line)[0]}': {why}")
        self.check_awaits(path, lines)

    def check_awaits(self, path, lines):
        """An awaited Result that nobody looks at; no compiler warns of it."""
        for number, line in enumerate(lines, 1):
            if not BARE_AWAIT.match(line):
                continue
            before = lines[number - 2].split("//")[0].rstrip() if number > 1 else ""
            # The rest of a statement that began above.
            if before and before[-1] not in ";{}:)" and not re.search(r"\b(else|do)$", before):
                continue
            last = number
            while last < len(lines) and ";" not in lines[last - 1].split("//")[0]:
                last += 1
            if not any(AWAIT_IS_VOID in text for text in lines[number - 1:last]):
                self.find(path, number, f"the result is dropped; if there is none, say '{AWAIT_IS_VOID}'")

    def check_includes(self, path, lines):
        module = path.split("/")[1]
        if path.count("/") < 2:
            self.find(path, 1, "a source file stands in the folder of a module")
            return
        if module not in self.modules.uses:
            self.find(path, 1, f"the module '{module}' is not in src/modules.txt")
            return
        for number, line in enumerate(lines, 1):
            matched = INCLUDE.match(line)
            if not matched:
                continue
            if matched[1] == '"':
                self.check_own_include(path, number, module, matched[2])
            else:
                self.check_library_include(path, number, module, matched[2])

    def check_own_include(self, path, number, module, included):
        other = included.split("/")[0]
        if "/" not in included or other not in self.modules.uses:
            self.find(path, number, f"'{included}': headers of ours are named from src/, others in <>")
        elif other != module and other not in self.modules.uses[module]:
            self.find(path, number, f"'{module}' may not include '{other}' (src/modules.txt)")
        elif other != module and included.endswith("_internal.h"):
            self.find(path, number, f"'{included}' is private to '{other}'")
        elif not (self.root / "src" / included).is_file():
            self.find(path, number, f"there is no '{included}'")

    def check_library_include(self, path, number, module, included):
        if included.startswith(TEST_LIBRARIES):
            if not is_test(path):
                self.find(path, number, f"<{included}> belongs in tests")
            return
        for library, beginnings in LIBRARIES.items():
            if not included.startswith(beginnings):
                continue
            self.included.add((module, library))
            if library not in self.modules.libraries[module]:
                self.find(path, number, f"'{module}' may not use {library} (src/modules.txt)")
            elif path.endswith(".h"):
                self.find(path, number, f"<{included}> belongs in a .cc file")
            return
        if re.fullmatch(r"[a-z_0-9]+", included) or SYSTEM.fullmatch(included):
            return
        self.find(path, number, f"<{included}> is of no library in src/modules.txt")

    def check_registered(self, folder, where):
        """One file, one registration: nothing is found by magic, so nothing may be forgotten."""
        listed = self.read(where)
        for path in self.files:
            stem = Path(path).stem
            if str(Path(path).parent) != folder or not path.endswith(".cc") or is_test(path) or path == where:
                continue
            if listed is None or f"register_{stem}(" not in listed:
                self.find(path, 1, f"register_{stem}() is not called in {where}")

    def check_decisions(self):
        index = self.read("docs/adr/README.md") or ""
        for path in self.files:
            name = Path(path).name
            if path.startswith("docs/adr/") and name != "README.md" and f"({name})" not in index:
                self.find(path, 1, "is not in docs/adr/README.md")

    def check_unused_libraries(self):
        for module, libraries in self.modules.libraries.items():
            for library in sorted(libraries):
                if library in LIBRARIES and (module, library) not in self.included:
                    line = self.modules.lines[module]
                    self.find("src/modules.txt", line, f"'{module}' includes nothing of {library}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--root", default=Path(__file__).resolve().parent.parent)
    tidy = Tidy(parser.parse_args().root)
    findings = tidy.run()
    for path, line, text in findings:
        print(f"{path}:{line}: {text}")
    if not findings:
        print(f"tidy: {len(tidy.files)} files, nothing found")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
