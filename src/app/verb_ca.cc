// mlgate ca print|install: the local certificate authority, for clients and browsers that should
// trust it.
#include "app/app.h"
#include "net/tls_ca.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstdlib>

namespace mlgate::app {
namespace {

int print_ca(Context& context) {
  const auto text = read_file(net::tls_files(context.data().tls()).ca_certificate);
  if (!text) return complain(text.error().message() + "; run 'mlgate init' first");
  std::printf("%s", text->c_str());
  return 0;
}

int install_ca(Context& context) {
  const auto text = read_file(net::tls_files(context.data().tls()).ca_certificate);
  if (!text) return complain(text.error().message() + "; run 'mlgate init' first");
  const std::filesystem::path target = "/usr/local/share/ca-certificates/mlgate-local-ca.crt";
  if (const auto written = write_file(target, *text, FileKind::plain); !written)
    return complain(written.error().message() + " (root is needed)");
  if (std::system("update-ca-certificates") != 0)
    return complain("update-ca-certificates failed; the certificate is at " + target.string());
  return 0;
}

}  // namespace

void add_ca(CLI::App& program, Chosen& chosen) {
  CLI::App* verb = program.add_subcommand("ca", "The local certificate authority");
  verb->require_subcommand(1);
  verb->add_subcommand("print", "Prints its certificate (PEM)")->callback([&chosen] {
    chosen = print_ca;
  });
  verb->add_subcommand("install", "Makes this machine trust it (root)")->callback([&chosen] {
    chosen = install_ca;
  });
}

}  // namespace mlgate::app
