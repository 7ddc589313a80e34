// mlgate version
#include "app/app.h"

#include <CLI/CLI.hpp>

#include <cstdio>

namespace mlgate::app {

void add_version(CLI::App& program, Chosen& chosen) {
  program.add_subcommand("version", "Prints the version")->callback([&chosen] {
    chosen = [](Context&) {
      std::printf("mlgate %s\n", MLGATE_VERSION);
      return 0;
    };
  });
}

}  // namespace mlgate::app
