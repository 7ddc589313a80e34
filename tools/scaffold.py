"""Starts a new policy or module: its file, its declaration, its registration and a test, which compile and pass;
`tools/dev new-policy NAME` and `tools/dev new-module NAME` are the ways in."""

import re
import secrets
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

POLICY = """\
// NAME: say here what problem the policy solves, for whom, and what it costs.
#include "policy/builtin/builtin.h"
#include "policy/catalog.h"
#include "policy/exchange.h"

namespace mlgate::policy {

namespace {

constexpr ParamSpec kParams[] = {
    {.name = "value", .required = true, .help = "Say here what the value is for."},
};
constexpr ElementSpec kGrammar{.name = "NAME", .attributes = kParams};

class TYPE final : public Policy {
 public:
  static std::shared_ptr<const Policy> make(const PolicyNode& node, const PolicyPlace&,
                                            DocumentErrors& errors) {
    auto self = std::make_shared<TYPE>();
    self->value_ = node.params.text("value");
    if (self->value_.empty())
      errors.add_invalid_value(*node.element, "value", self->value_, "The value is empty.");
    return self;
  }

  Flow apply(Exchange&) const noexcept override { return Flow::next; }

 private:
  std::string value_;
};

}  // namespace

void register_STEM(PolicyCatalog& catalog) {
  catalog.add({.name = "NAME",
               .sections = bit(Section::inbound),
               .grammar = &kGrammar,
               .make = &TYPE::make,
               .help = "Say here what the policy does, in one sentence."});
}

}  // namespace mlgate::policy
"""

POLICY_TEST = """\
#include <gtest/gtest.h>

#include "policy/catalog.h"
#include "policy/exchange.h"

namespace mlgate::policy {
namespace {

Compiled compile(std::string_view element) {
  static const PolicyCatalog catalog = builtin_policies();
  return compile_document(
      catalog, "<policies><inbound>" + std::string(element) + "</inbound></policies>", Format::xml,
      {.scope = Scope::product});
}

TEST(TYPE, LetsTheCallGoOn) {
  const auto compiled = compile("<NAME value='x' />");
  ASSERT_TRUE(compiled.document);
  Exchange exchange;
  const auto& steps = *compiled.document->sections[std::size_t(Section::inbound)];
  EXPECT_EQ(steps.front().policy->apply(exchange), Flow::next);
}

TEST(TYPE, RefusesAnEmptyValue) {
  EXPECT_FALSE(compile("<NAME value='' />").document);
  EXPECT_FALSE(compile("<NAME />").document);
}

}  // namespace
}  // namespace mlgate::policy
"""

POLICY_CASE = """\
# NAME lets a call go on, and is refused without its value.
[arm PUT /apis/e]
{"displayName": "E", "path": "e", "protocols": ["http"], "serviceUrl": "{echo}", "subscriptionRequired": false}
[arm PUT /apis/e/operations/get]
{"displayName": "get", "method": "GET", "urlTemplate": "/x", "templateParameters": []}
[arm PUT /apis/e/policies/policy]
{"format": "rawxml", "value": "<policies><inbound><NAME value=\\"x\\" /></inbound></policies>"}
[request]
GET /e/x HTTP/1.1
Host: {host}
[response]
HTTP/1.1 200 OK
[arm PUT /apis/e/policies/policy = 400]
{"format": "rawxml", "value": "<policies><inbound><NAME /></inbound></policies>"}
"""

MODULE = """\
// NAME: say here what the module does to a table, and what it never does.
#include "ml/modules/modules_internal.h"
#include "ml/parameters.h"

namespace mlgate::ml {
namespace {

ModuleInfo STEM_info() {
  ModuleInfo info;
  info.name = "NAME";
  info.family_id = "FAMILY";
  info.category = "Data Transformation > Manipulation";
  info.help = "Say here what the module does, in one sentence.";
  info.inputs = {{"Dataset"}};
  info.outputs = {{"Results dataset"}};
  return info;
}

class TYPE final : public Module {
 public:
  Result<std::vector<table::Schema>> infer(std::span<const table::Schema> inputs) const override {
    if (inputs.empty()) return std::unexpected(input_is_empty("Dataset"));
    return std::vector<table::Schema>{inputs[0]};
  }
  Result<std::vector<table::Table>> run(std::span<const table::Table> inputs) const override {
    if (inputs.empty()) return std::unexpected(input_is_empty("Dataset"));
    return std::vector<table::Table>{inputs[0]};
  }
};

}  // namespace

void register_STEM(Catalogue& catalogue) {
  catalogue.add({STEM_info(), [](const Parameters&) -> Result<std::unique_ptr<const Module>> {
                   return std::make_unique<const TYPE>();
                 }});
}

}  // namespace mlgate::ml
"""

MODULE_TEST = """\
#include <gtest/gtest.h>

#include "ml/module.h"

namespace mlgate::ml {
namespace {

Result<std::vector<table::Table>> run(std::span<const table::Table> inputs) {
  Catalogue catalogue;
  register_modules(catalogue);
  TRY(const auto module, catalogue.find_name("NAME")->make({}));
  return module->run(inputs);
}

TEST(TYPE, KeepsTheTable) {
  const table::Table input;
  const auto outputs = run(std::span(&input, 1));
  ASSERT_TRUE(outputs);
  EXPECT_TRUE(outputs->front().validate());
  EXPECT_EQ(outputs->front().rows, input.rows);
}

TEST(TYPE, WantsItsInput) { EXPECT_FALSE(run({})); }

}  // namespace
}  // namespace mlgate::ml
"""


def words_of(name):
    words = re.findall(r"[A-Za-z0-9]+", name)
    if not words or not words[0][0].isalpha():
        sys.exit(f"'{name}' is no name")
    return [word.lower() for word in words]


def write_new(path, text):
    if path.exists():
        sys.exit(f"{path.relative_to(ROOT)} exists already")
    path.write_text(text)
    # A long name moves the line breaks.
    if path.suffix == ".cc":
        subprocess.run(["clang-format-19", "-i", path], check=True)
    print(f"made    {path.relative_to(ROOT)}")


def insert_sorted(path, line, like):
    """Puts `line` among the lines that match `like`, in their order of names; behind the last if they have none."""
    lines = path.read_text().split("\n")
    places = [i for i, text in enumerate(lines) if re.search(like, text)]
    if not places:
        sys.exit(f"{path.relative_to(ROOT)}: no line like '{line.strip()}' to put it beside")
    lines.insert(next((i for i in places if lines[i] > line), places[-1] + 1), line)
    path.write_text("\n".join(lines))
    print(f"changed {path.relative_to(ROOT)}")


def fill(template, name, stem):
    # The words as they stand in code; "NAME" last, for the others do not hold it.
    kind = "".join(word.capitalize() for word in stem.split("_"))
    family = secrets.token_hex(16).upper()
    for key, value in (("FAMILY", family), ("STEM", stem), ("TYPE", kind), ("NAME", name)):
        template = re.sub(rf"\b{key}\b|(?<=register_){key}|\b{key}(?=_info)", value, template)
    return template


def new_policy(name):
    name = "-".join(words_of(name))
    stem = name.replace("-", "_")
    folder = ROOT / "src/policy/builtin"
    write_new(folder / f"{stem}.cc", fill(POLICY, name, stem))
    write_new(folder / f"{stem}_test.cc", fill(POLICY_TEST, name, stem))
    write_new(ROOT / f"tests/cases/policy/{name}.case", fill(POLICY_CASE, name, stem))
    insert_sorted(folder / "builtin.h", f"void register_{stem}(PolicyCatalog& catalog);", r"^void register_\w+\(")
    listing = ROOT / "src/policy/builtin.cc"
    # A policy that was known by name only is so no more.
    kept = [line for line in listing.read_text().split("\n") if not line.strip().startswith(f'{{"{name}",')]
    listing.write_text("\n".join(kept))
    insert_sorted(listing, f"  register_{stem}(catalog);", r"^  register_\w+\(catalog")


def new_module(name):
    stem = "_".join(words_of(name))
    title = name if " " in name else " ".join(word.capitalize() for word in stem.split("_"))
    folder = ROOT / "src/ml/modules"
    write_new(folder / f"{stem}.cc", fill(MODULE, title, stem))
    write_new(folder / f"{stem}_test.cc", fill(MODULE_TEST, title, stem))
    insert_sorted(folder / "modules_internal.h", f"void register_{stem}(Catalogue& catalogue);",
                  r"^void register_\w+\(")
    insert_sorted(folder / "register.cc", f"  register_{stem}(catalogue);", r"^  register_\w+\(catalogue")
