#!/usr/bin/env python3
"""Each rule of tidy.py: what it refuses, and the twin that it lets through."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TIDY = Path(__file__).resolve().parent / "tidy.py"
MODULES = "base: | fmt openssl\nnet: base | openssl\nhttp: base net |\n"
# Put together, so that this file passes what it tests.
PENDING = "TO" + "DO"


class Tree(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name)
        self.write("src/modules.txt", MODULES)
        for header in ("base/a.h", "base/a_internal.h", "net/b.h", "http/c.h"):
            self.write("src/" + header, "#pragma once\n")

    def tearDown(self):
        self.folder.cleanup()

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def tidy(self):
        run = subprocess.run([sys.executable, TIDY, "--root", self.root], capture_output=True, text=True)
        return run.returncode, run.stdout

    def refuses(self, path, text, at, why):
        kept = (self.root / path).read_text() if (self.root / path).exists() else None
        self.write(path, text)
        status, out = self.tidy()
        self.assertEqual(status, 1, text)
        self.assertIn(f"{path}:{at}: ", out)
        self.assertIn(why, out)
        if kept is None:
            (self.root / path).unlink()
        else:
            self.write(path, kept)

    def passes(self, path, text):
        self.write(path, text)
        status, out = self.tidy()
        self.assertEqual((status, out.count("\n")), (0, 1), out)
        (self.root / path).unlink()

    def test_modules_include_what_the_list_says(self):
        self.refuses("src/net/x.cc", '#include <string>\n#include "http/c.h"\n', 2, "may not include 'http'")
        self.refuses("src/base/x.cc", '#include "net/b.h"\n', 1, "may not include 'net'")
        self.refuses("src/net/x.cc", '#include "base/a_internal.h"\n', 1, "private")
        self.refuses("src/net/x.cc", '#include "b.h"\n', 1, "named from src/")
        self.refuses("src/net/x.cc", '#include "base/none.h"\n', 1, "there is no")
        self.refuses("src/extra/x.cc", "\n", 1, "not in src/modules.txt")
        self.passes("src/http/x.cc", '#include "http/c.h"\n#include "net/b.h"\n#include "base/a.h"\n')
        self.passes("src/base/x.cc", '#include "base/a_internal.h"\n')

    def test_libraries_belong_to_modules(self):
        self.refuses("src/http/x.cc", "#include <openssl/ssl.h>\n", 1, "may not use openssl")
        self.refuses("src/net/x.h", "#pragma once\n#include <openssl/ssl.h>\n", 2, "belongs in a .cc file")
        self.refuses("src/net/x.cc", "#include <gtest/gtest.h>\n", 1, "belongs in tests")
        self.refuses("src/net/x.cc", "#include <strange/library.h>\n", 1, "of no library")
        self.passes("src/net/x.cc", "#include <openssl/ssl.h>\n#include <sys/socket.h>\n#include <vector>\n")
        self.passes("src/net/x_test.cc", "#include <gtest/gtest.h>\n")
        self.passes("src/net/test_support_internal.h", "#pragma once\n#include <gtest/gtest.h>\n")

    def test_modules_have_an_order(self):
        self.refuses("src/modules.txt", "base: net |\nnet: |\n", 1, "earlier line")
        self.refuses("src/modules.txt", MODULES + "more: base | unknown\n", 4, "not a library")
        self.refuses("src/modules.txt", MODULES + "more base\n", 4, "not 'name:")

    def test_shape_of_files(self):
        self.refuses("src/base/x.h", "// text\n#pragma once\n", 1, "#pragma once")
        self.refuses("src/base/x.cc", "\n" + "a" * 101 + "\n", 2, "101 columns")
        self.refuses("src/base/x.cc", "//\n" * 801, 801, "801 lines")
        self.passes("src/base/x.cc", "a" * 100 + "\n" + "//\n" * 799)

    def test_dropped_results(self):
        head = "void f() {\n"
        for bad in ("  co_await g();\n", "  if (x)\n    co_await g();\n", "  co_await g(1,\n    2);\n",
                    "  else\n    co_await g();\n"):
            line = 2 + bad.split("co_await")[0].count("\n")
            self.refuses("src/net/x.cc", head + bad + "}\n", line, "result is dropped")
        for good in ("  co_await g();  // nothing to check\n", "  const auto a = co_await g();\n",
                     "  const auto a =\n      co_await g();\n", "  co_await g(1,\n    2);  // nothing to check\n",
                     "  co_return co_await g();\n"):
            self.passes("src/net/x.cc", head + good + "}\n")

    def test_banned_words(self):
        for bad in ("boost" + "::beast", "std::" + "regex r",
                    "using namespace std"):
            self.refuses("src/net/x.cc", bad + ";\n", 1, "'")
        for bad in ("std::this_thread::sleep_" + "for(1s)", "GTEST_" + "SKIP()", "TEST(A, DISABLED_" + "B)"):
            self.refuses("src/net/x_test.cc", bad + ";\n", 1, "test")
        self.passes("src/net/x.cc", "std::this_thread::sleep_" + "for(1s);\nusing namespace std::chrono_literals;\n")

    def test_open_work_has_a_name_and_a_reason(self):
        self.refuses("docs/x.md", f"{PENDING}: later\n", 1, "has a name")
        self.refuses("src/net/x.cc", "// FIX" + "ME\n", 1, "has a name")
        self.passes("docs/x.md", f"{PENDING}(ann): the cloud's answer is not known\n")

    def test_nothing_of_one_machine(self):
        self.refuses("tools/x.sh", "cd /ho" + "me/ann/mlgate\n", 1, "one machine")
        self.refuses("docs/x.md", "see /ro" + "ot/.cache\n", 1, "one machine")
        self.passes("docs/x.md", "GET /workspaces/w/services, /root/jobs, $" + "{x}/home/y\n")
        lock = "web/package-lock.json"
        self.refuses(lock, '{\n "resolved": "https://registry.example.org/a.tgz"\n}\n', 2, "registry")
        self.passes(lock, '{\n "integrity": "sha512-a"\n}\n')

    def test_what_is_registered_is_called(self):
        modules = MODULES + "policy: base |\n"
        self.write("src/modules.txt", modules)
        self.write("src/policy/builtin.cc", "void f() { register_known(catalog); }\n")
        self.refuses("src/policy/builtin/other.cc", "\n", 1, "register_other() is not called")
        self.passes("src/policy/builtin/known.cc", "\n")
        self.passes("src/policy/builtin/known_test.cc", "\n")

    def test_inputs_of_fuzz_targets_are_left_alone(self):
        self.passes("fuzz/corpus/a/b.py", PENDING + " " + "x" * 200 + "\n")


if __name__ == "__main__":
    unittest.main()
