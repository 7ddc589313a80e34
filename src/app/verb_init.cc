// mlgate init: makes the data folder: store, master key, certificates, the administrator's
// credentials and a workspace.
#include "app/app.h"
#include "app/installation.h"

#include <CLI/CLI.hpp>

#include <cstdio>

namespace mlgate::app {
namespace {

int run_init(Context& context, bool if_needed) {
  const DataFolder data = context.data();
  if (data.initialised()) {
    if (if_needed) return 0;
    return complain(data.root.string() + " is initialised already; its credentials are in " +
                    data.credentials().string());
  }
  if (const auto made = initialise(context.settings); !made)
    return complain(made.error().message());
  std::printf("initialised %s\n", data.root.c_str());
  std::printf("the administrator's client id and secret are in %s (readable by you alone)\n",
              data.credentials().c_str());
  return 0;
}

}  // namespace

void add_init(CLI::App& program, Chosen& chosen) {
  CLI::App* verb = program.add_subcommand(
      "init", "Makes the data folder, the administrator's credentials and a workspace");
  auto if_needed = std::make_shared<bool>(false);
  verb->add_flag("--if-needed", *if_needed, "Do nothing when the folder is initialised already");
  verb->callback([&chosen, if_needed] {
    chosen = [if_needed](Context& context) { return run_init(context, *if_needed); };
  });
}

}  // namespace mlgate::app
