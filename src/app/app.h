#pragma once
// The command line. Each verb is one file with one `add_…` function; the list of them stands in
// app.cc.
#include "app/data_folder.h"
#include "app/settings.h"
#include "base/result.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace mlgate::app {

// What every verb starts from: settings of file, environment and flags.
struct Context {
  Settings settings;
  DataFolder data() const { return {settings.text("data")}; }
};

// Adds its verb to the program; sets `chosen` to what runs once all flags are read. The result is
// the exit status.
using Chosen = std::function<int(Context&)>;
void add_serve(CLI::App& program, Chosen& chosen);
void add_init(CLI::App& program, Chosen& chosen);
void add_tutorial(CLI::App& program, Chosen& chosen);
void add_config(CLI::App& program, Chosen& chosen);
void add_ca(CLI::App& program, Chosen& chosen);
void add_top(CLI::App& program, Chosen& chosen);
void add_rest(CLI::App& program, Chosen& chosen);
void add_report(CLI::App& program, Chosen& chosen);
void add_job(CLI::App& program, Chosen& chosen);
void add_score(CLI::App& program, Chosen& chosen);
void add_blob(CLI::App& program, Chosen& chosen);
void add_user(CLI::App& program, Chosen& chosen);
void add_mail(CLI::App& program, Chosen& chosen);
void add_version(CLI::App& program, Chosen& chosen);

int run(int argc, char** argv);

// "mlgate: <text>" on standard error; gives 1.
int complain(const std::string& text);
int complain(const std::vector<Error>& errors);

}  // namespace mlgate::app
