// mlgate score: scores a file with a published service, without a server. Reads standard input as
// it comes and writes standard output as it goes, so that neither has to fit into memory.
#include "app/app.h"
#include "app/installation.h"
#include "base/text.h"
#include "batch/format.h"
#include "store/store.h"
#include "studio/datasets.h"
#include "studio/studio.h"
#include "table/csv.h"
#include "webservice/registry.h"

#include <CLI/CLI.hpp>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace mlgate::app {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{256} << 10;
constexpr std::size_t kCellsAtOnce = std::size_t{1} << 18;
constexpr std::size_t kRowsAtOnce = 2'048;

struct ScoreFlags {
  std::string service, from = "csv", to = "csv";
};

// The published services of a data folder, as far as scoring needs them.
struct OfflineServices {
  std::unique_ptr<store::Store> store;
  std::unique_ptr<store::Vault> vault;
  ml::Catalogue catalogue;
  std::unique_ptr<studio::Datasets> datasets;
  std::unique_ptr<webservice::Registry> registry;

  Result<void> open(const DataFolder& data) {
    TRY(store::Vault opened, store::Vault::open(data.master_key()));
    vault = std::make_unique<store::Vault>(std::move(opened));
    TRY(store, store::open_sqlite(data.store()));
    ml::register_modules(catalogue);
    datasets = std::make_unique<studio::Datasets>(*store, system_clock(), data.datasets().string(),
                                                  sample_datasets());
    registry = std::make_unique<webservice::Registry>(webservice::Registry::Parts{
        *store, *vault, catalogue, system_clock(), studio::dataset_loader(*datasets)});
    return registry->load();
  }
};

Result<std::shared_ptr<const webservice::Endpoint>> find_service(
    const webservice::Directory& directory, const std::string& wanted) {
  if (auto endpoint = directory.find_endpoint(to_lower(wanted))) return endpoint;
  std::shared_ptr<const webservice::Endpoint> found;
  for (const auto& [id, service] : directory.services) {
    if (!equals_ignoring_case(id, wanted) && !equals_ignoring_case(service->name, wanted)) continue;
    if (found)
      return fail(Errc::conflict, "several services are named '" + wanted + "'; give an id");
    found = service->endpoints.front();
  }
  if (!found) return fail(Errc::not_found, "there is no service '" + wanted + "'");
  return found;
}

Result<void> write_out(std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t size = ::write(STDOUT_FILENO, text.data() + at, text.size() - at);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0)
      return fail(Errc::unavailable, std::string("cannot write: ") + std::strerror(errno));
    at += std::size_t(size);
  }
  text.clear();
  return {};
}

// True at the end of the input.
Result<bool> feed(batch::RowReader& reader, std::string& piece) {
  for (;;) {
    const ssize_t size = ::read(STDIN_FILENO, piece.data(), piece.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0)
      return fail(Errc::unavailable, std::string("cannot read: ") + std::strerror(errno));
    if (size == 0) {
      reader.finish();
      return true;
    }
    reader.feed(std::string_view(piece).substr(0, std::size_t(size)));
    return false;
  }
}

Result<void> stream(const ml::Scorer& scorer, batch::Format from, batch::Format to) {
  if (scorer.inputs().size() != 1 || scorer.outputs().size() != 1)
    return fail(Errc::unsupported, "the service has more than one input or output");
  batch::RowReaderOptions options;
  options.schema = scorer.inputs()[0].schema;
  const std::size_t columns = std::max<std::size_t>(scorer.outputs()[0].schema.size(), 1);
  options.rows_per_table = scorer.row_wise()
                               ? std::clamp<std::size_t>(kCellsAtOnce / columns, 1, kRowsAtOnce)
                               : table::kAllRows;
  const auto reader = batch::make_row_reader(from, std::move(options));
  if (::isatty(STDIN_FILENO) == 1)
    std::fprintf(stderr, "mlgate: reading rows from the terminal; Ctrl-D ends them\n");
  std::string piece(kPieceBytes, '\0'), out;
  bool header = true, ended = false;
  while (!ended) {
    TRY(ended, feed(*reader, piece));
    for (;;) {
      TRY(const auto table, reader->next());
      if (!table) break;
      TRY(const auto results, scorer.score(std::span(&*table, 1), {}));
      if (header) batch::append_header(out, to, results[0].schema());
      header = false;
      batch::append_rows(out, to, results[0]);
      if (out.size() >= kPieceBytes) {
        TRY_OK(write_out(out));
      }
    }
  }
  return write_out(out);
}

Result<void> score(const Context& context, const ScoreFlags& flags) {
  const auto from = batch::format_of("x." + flags.from), to = batch::format_of("x." + flags.to);
  if (!from || !to) return fail(Errc::invalid_argument, "the formats are csv, tsv and arff");
  const DataFolder data = context.data();
  if (!data.initialised())
    return fail(Errc::not_found, data.root.string() + " is not initialised; run 'mlgate init'");
  OfflineServices services;
  TRY_OK(services.open(data));
  const auto directory = services.registry->directory();
  TRY(const auto endpoint, find_service(*directory, flags.service));
  if (!endpoint->model->scorer)
    return fail(Errc::unavailable, "the service cannot be loaded: " + endpoint->model->error);
  return stream(*endpoint->model->scorer, *from, *to);
}

}  // namespace

void add_score(CLI::App& program, Chosen& chosen) {
  CLI::App* verb = program.add_subcommand(
      "score", "Scores standard input with a published service, to standard output");
  auto flags = std::make_shared<ScoreFlags>();
  verb->add_option("service", flags->service, "Name or id of a service, or id of an endpoint")
      ->required();
  verb->add_option("--from", flags->from, "Format of the input: csv, tsv or arff")
      ->check(CLI::IsMember({"csv", "tsv", "arff"}));
  verb->add_option("--to", flags->to, "Format of the output: csv, tsv or arff")
      ->check(CLI::IsMember({"csv", "tsv", "arff"}));
  verb->callback([&chosen, flags] {
    chosen = [flags](Context& context) {
      const auto done = score(context, *flags);
      return done ? 0 : complain(done.error().message());
    };
  });
}

}  // namespace mlgate::app
