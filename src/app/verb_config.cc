// mlgate config schema|check|show: what can be set, whether a configuration is right, and what it
// comes to.
#include "app/app.h"

#include <CLI/CLI.hpp>

#include <cstdio>

namespace mlgate::app {

void add_config(CLI::App& program, Chosen& chosen) {
  CLI::App* verb = program.add_subcommand("config", "Shows and checks the configuration");
  verb->require_subcommand(1);
  verb->add_subcommand("schema", "Prints the JSON schema of the configuration file")
      ->callback([&chosen] {
        chosen = [](Context&) {
          std::printf("%s\n", Settings::json_schema().dump().c_str());
          return 0;
        };
      });
  verb->add_subcommand("check", "Reads file, environment and flags, and says what is wrong")
      ->callback([&chosen] {
        // Reading has happened by now; an error would have ended the program.
        chosen = [](Context&) {
          std::printf("the configuration is valid\n");
          return 0;
        };
      });
  verb->add_subcommand("show", "Prints every setting with its value")->callback([&chosen] {
    chosen = [](Context& context) {
      std::printf("%s", context.settings.to_yaml().c_str());
      return 0;
    };
  });
}

}  // namespace mlgate::app
