#!/usr/bin/env python3
"""Each rule of tidy.py: what it refuses, and the twin that it lets through."""

import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TIDY = Path(__file__).resolve().parent / "tidy.py"
MODULES = "base: | sodium openssl\nnet: base | openssl\nhttp: base net |\n"
# Put together, so that this file passes what it tests.
PENDING = "TO" + "DO"


class Tree(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name)
        self.write("src/modules.txt", MODULES)
        for header in ("base/a.h", "base/a_internal.h", "net/b.h", "http/c.h"):
            self.write("src/" + header, "#pragma once\n")
        self.write("src/base/a.cc", "#include <openssl/bio.h>\n#include <sodium.h>\n")
        self.write("src/net/b.cc", "#include <openssl/bio.h>\n")

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

    def test_a_library_that_is_listed_is_used(self):
        self.refuses("src/modules.txt", MODULES.replace("| openssl", "| openssl zlib"), 2, "includes nothing of zlib")

    def test_decisions_are_in_the_index(self):
        self.write("docs/adr/README.md", "[0001](0001-a.md)\n")
        self.passes("docs/adr/0001-a.md", "# 0001\n")
        self.refuses("docs/adr/0002-b.md", "# 0002\n", 1, "is not in docs/adr/README.md")

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


class Scaffold(unittest.TestCase):
    """What `tools/dev new-policy` and `new-module` write, on a copy of the tree."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name)
        wanted = ["src", "tools", "tests/cases", "docs/adr", ".clang-format"]
        listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", *wanted], cwd=TIDY.parent.parent,
                                capture_output=True, text=True, check=True)
        for name in listed.stdout.split():
            if (TIDY.parent.parent / name).is_file():
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(TIDY.parent.parent / name, self.root / name)

    def tearDown(self):
        self.folder.cleanup()

    def dev(self, *words):
        return subprocess.run([sys.executable, self.root / "tools/dev", *words], capture_output=True, text=True)

    def text(self, path):
        return (self.root / path).read_text()

    def tidy(self):
        run = subprocess.run([sys.executable, self.root / "tools/tidy.py", "--root", self.root], capture_output=True,
                             text=True)
        self.assertEqual(run.returncode, 0, run.stdout)

    def test_a_policy_is_whole(self):
        made = self.dev("new-policy", "count-words")
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertIn('.name = "count-words"', self.text("src/policy/builtin/count_words.cc"))
        self.assertIn("TEST(CountWords, ", self.text("src/policy/builtin/count_words_test.cc"))
        self.assertIn("void register_count_words(PolicyCatalog& catalog);", self.text("src/policy/builtin/builtin.h"))
        self.assertIn("register_count_words(catalog);", self.text("src/policy/builtin.cc"))
        self.assertIn("<count-words ", self.text("tests/cases/policy/count-words.case"))
        self.tidy()
        again = self.dev("new-policy", "count-words")
        self.assertEqual((again.returncode, "exists already" in again.stderr), (1, True))

    def test_a_module_is_whole(self):
        made = self.dev("new-module", "Count Words")
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertIn('info.name = "Count Words"', self.text("src/ml/modules/count_words.cc"))
        self.assertIn("register_count_words(catalogue);", self.text("src/ml/modules/register.cc"))
        self.tidy()

    def test_a_name_has_a_letter_first(self):
        self.assertIn("is no name", self.dev("new-policy", "4x").stderr)


if __name__ == "__main__":
    unittest.main()
