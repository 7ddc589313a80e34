#include "studio/datasets.h"

#include "base/crypto.h"
#include "base/json.h"
#include "base/text.h"
#include "studio/files.h"
#include "table/csv.h"

#include <algorithm>
#include <filesystem>

namespace mlgate::studio {
namespace {

constexpr std::string_view kCollection = "studio.dataset";
constexpr std::size_t kLoadedMax = 16;
constexpr TimeMs kUploadLifeMs = 24 * 3600 * 1000;

std::string family_of_sample(std::string_view name) {
  return to_hex(std::string_view(sha256("sample/" + std::string(name))).substr(0, 16));
}

std::string dataset_id(std::string_view workspace, std::string_view family, std::uint64_t batch) {
  return std::string(workspace) + "." + std::string(family) + ".v1-default-" +
         std::to_string(batch);
}

std::string to_document(const Dataset& dataset) {
  JsonWriter out;
  out.object().field("id", dataset.id).field("workspace", dataset.workspace_id);
  out.field("family", dataset.family_id).field("name", dataset.name);
  out.field("description", dataset.description).field("type", dataset.data_type_id);
  out.field("owner", dataset.owner).field("origin", dataset.origin);
  out.field("upload", dataset.upload_id).field("from", dataset.uploaded_from);
  out.field("bytes", dataset.bytes).field("batch", dataset.batch);
  out.field("created", dataset.created_ms).field("deleted", dataset.deleted).end();
  return std::move(out).text();
}

Result<Dataset> from_document(const store::Document& document) {
  TRY(const Json json, Json::parse(document.body));
  Dataset dataset;
  dataset.id = json.string_or("id");
  dataset.workspace_id = json.string_or("workspace");
  dataset.family_id = json.string_or("family");
  dataset.name = json.string_or("name");
  dataset.description = json.string_or("description");
  dataset.data_type_id = json.string_or("type");
  dataset.owner = json.string_or("owner");
  dataset.origin = json.string_or("origin");
  dataset.upload_id = json.string_or("upload");
  dataset.uploaded_from = json.string_or("from");
  dataset.bytes = std::uint64_t(json.int_or("bytes", 0));
  dataset.batch = std::uint64_t(json.int_or("batch", 1));
  dataset.created_ms = json.int_or("created", 0);
  dataset.deleted = json.bool_or("deleted", false);
  return dataset;
}

store::Write write_of(const Dataset& dataset, store::Expect expect) {
  store::Write write;
  write.collection = kCollection;
  write.key = dataset.id;
  write.body = to_document(dataset);
  write.expect = expect;
  return write;
}

// One text column, one row per line.
table::Table lines_of(std::string_view text) {
  table::Table table;
  table::Column column = table::make_column("Col1", table::DataType::string);
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    table::append_parsed_cell(column, line);
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  table.add(std::move(column));
  return table;
}

}  // namespace

Result<table::Table> read_table(std::string_view data_type_id, std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (!is_utf8(text)) return fail(Errc::invalid_argument, "the dataset is not UTF-8 text");
  const auto csv = [&](char delimiter, bool header) {
    return table::import_csv(text, {.delimiter = delimiter, .header = header});
  };
  if (data_type_id == "GenericCSV") return csv(',', true);
  if (data_type_id == "GenericCSVNoHeader") return csv(',', false);
  if (data_type_id == "GenericTSV") return csv('\t', true);
  if (data_type_id == "GenericTSVNoHeader") return csv('\t', false);
  if (data_type_id == "PlainText") return lines_of(text);
  return fail(Errc::invalid_argument,
              "datasets of type '" + std::string(data_type_id) + "' cannot be read as a table");
}

Datasets::Datasets(store::Store& store, const Clock& clock, std::string folder,
                   std::vector<SampleDataset> samples)
    : store_(store), clock_(clock), folder_(std::move(folder)), samples_(std::move(samples)) {}

Result<void> Datasets::open() {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) return fail(Errc::unavailable, "making " + folder_ + ": " + error.message());
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    const std::string extension = entry.path().extension().string();
    std::error_code ignored;
    if (extension == ".block" || extension == ".part")
      std::filesystem::remove(entry.path(), ignored);
  }
  return {};
}

std::string Datasets::path_of(std::string_view id) const {
  return folder_ + "/" + std::string(id) + ".data";
}

const SampleDataset* Datasets::sample(std::string_view id) const {
  for (const auto& candidate : samples_)
    if (dataset_id(kGlobalWorkspace, family_of_sample(candidate.name), 1) == id) return &candidate;
  return nullptr;
}

Dataset Datasets::describe(const SampleDataset& from) const {
  Dataset dataset;
  dataset.workspace_id = kGlobalWorkspace;
  dataset.family_id = family_of_sample(from.name);
  dataset.id = dataset_id(kGlobalWorkspace, dataset.family_id, 1);
  dataset.name = from.name;
  dataset.description = from.description;
  dataset.data_type_id = from.data_type_id;
  dataset.owner = "mlgate";
  dataset.origin = "FromResourceUpload";
  dataset.bytes = from.content.size();
  return dataset;
}

Result<std::optional<Dataset>> Datasets::find(std::string_view id) const {
  if (const SampleDataset* found = sample(id)) return describe(*found);
  TRY(const auto document, store_.get(kCollection, id));
  if (!document) return std::nullopt;
  TRY(Dataset dataset, from_document(*document));
  return dataset;
}

Result<std::vector<Dataset>> Datasets::list(std::string_view workspace_id) const {
  std::map<std::string, Dataset> latest;  // By family.
  TRY(const auto documents, store_.list(kCollection, std::string(workspace_id) + "."));
  for (const auto& document : documents) {
    TRY(Dataset dataset, from_document(document));
    if (dataset.deleted) continue;
    Dataset& kept = latest[dataset.family_id];
    if (kept.id.empty() || kept.batch < dataset.batch) kept = std::move(dataset);
  }
  std::vector<Dataset> out;
  for (const auto& from : samples_) out.push_back(describe(from));
  for (auto& [family, dataset] : latest) out.push_back(std::move(dataset));
  std::sort(out.begin() + std::ptrdiff_t(samples_.size()), out.end(),
            [](const Dataset& a, const Dataset& b) { return a.name < b.name; });
  return out;
}

Result<Dataset> Datasets::get(std::string_view workspace_id, std::string_view id) const {
  TRY(auto dataset, find(id));
  const bool visible =
      dataset && !dataset->deleted &&
      (dataset->workspace_id == workspace_id || dataset->workspace_id == kGlobalWorkspace);
  if (!visible) return fail(Errc::not_found, "Dataset '" + std::string(id) + "' was not found.");
  return *std::move(dataset);
}

Result<std::string> Datasets::content(const Dataset& dataset) const {
  if (const SampleDataset* found = sample(dataset.id)) return std::string(found->content);
  return read_file(path_of(dataset.id));
}

Result<table::Table> Datasets::load(std::string_view id) {
  {
    const std::lock_guard lock(mutex_);
    const auto known = std::find_if(loaded_.begin(), loaded_.end(),
                                    [&](const auto& entry) { return entry.first == id; });
    if (known != loaded_.end()) {
      loaded_.splice(loaded_.begin(), loaded_, known);
      return known->second;
    }
  }
  TRY(const auto dataset, find(id));
  if (!dataset) return fail(Errc::not_found, "Dataset '" + std::string(id) + "' was not found.");
  TRY(const std::string text, content(*dataset));
  TRY(table::Table table, read_table(dataset->data_type_id, text));
  const std::lock_guard lock(mutex_);
  loaded_.emplace_front(std::string(id), table);
  if (loaded_.size() > kLoadedMax) loaded_.pop_back();
  return table;
}

void Datasets::drop_upload(const std::string& upload_id) {
  const auto found = uploads_.find(upload_id);
  if (found == uploads_.end()) return;
  std::error_code ignored;
  for (const auto& [number, file] : found->second.blocks) std::filesystem::remove(file, ignored);
  uploads_.erase(found);
}

void Datasets::forget_old_uploads() {
  std::vector<std::string> old;
  for (const auto& [id, upload] : uploads_)
    if (clock_.now_ms() - upload.begun_ms > kUploadLifeMs) old.push_back(id);
  for (const auto& id : old) drop_upload(id);
}

Result<std::string> Datasets::begin_upload(std::string_view workspace_id,
                                           std::string_view data_type_id,
                                           std::string_view first_block) {
  const std::lock_guard lock(mutex_);
  forget_old_uploads();
  if (uploads_.size() >= kUploadsMax)
    return fail(Errc::exhausted, "Too many uploads have begun and not ended. Try again later.");
  std::string id = new_hex_id();
  Upload upload;
  upload.workspace_id = workspace_id;
  upload.data_type_id = data_type_id;
  upload.begun_ms = clock_.now_ms();
  if (!first_block.empty()) {
    TRY_OK(put_block(upload, id, 0, first_block));
  }
  uploads_.emplace(id, std::move(upload));
  return id;
}

Result<void> Datasets::put_block(Upload& upload, std::string_view upload_id, std::uint64_t block,
                                 std::string_view bytes) {
  if (block >= kBlocksMax)
    return fail(Errc::invalid_argument, "An upload has at most 100000 blocks.", "blockId");
  if (upload.bytes + bytes.size() > kBytesMax)
    return fail(Errc::exhausted, "A dataset has at most 8 GiB.");
  const std::string path =
      folder_ + "/" + std::string(upload_id) + "-" + std::to_string(block) + ".block";
  TRY_OK(write_file(path, {bytes}));
  upload.bytes += bytes.size();
  upload.blocks[block] = path;
  return {};
}

Result<void> Datasets::add_block(std::string_view workspace_id, std::string_view upload_id,
                                 std::uint64_t block, std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  const auto found = uploads_.find(upload_id);
  if (found == uploads_.end() || found->second.workspace_id != workspace_id)
    return fail(Errc::not_found, "Upload '" + std::string(upload_id) + "' was not found.");
  return put_block(found->second, upload_id, block, bytes);
}

Result<Dataset> Datasets::create(const NewDataset& made) {
  const std::lock_guard lock(mutex_);
  if (trim(made.name).empty()) return fail(Errc::invalid_argument, "A name is needed.", "Name");
  const auto upload = uploads_.find(made.upload_id);
  if (upload == uploads_.end() || upload->second.workspace_id != made.workspace_id)
    return fail(Errc::not_found, "Upload '" + made.upload_id + "' was not found.", "UploadId");
  Dataset dataset;
  TRY(const auto others, list(made.workspace_id));
  for (const Dataset& other : others) {
    const bool same_family = !made.family_id.empty() && other.family_id == made.family_id &&
                             other.workspace_id == made.workspace_id;
    if (same_family) dataset.batch = other.batch + 1;
    if (!same_family && other.name == made.name && other.workspace_id == made.workspace_id)
      return fail(Errc::conflict, "A dataset named '" + made.name + "' exists already.", "Name");
  }
  dataset.workspace_id = made.workspace_id;
  dataset.family_id = dataset.batch > 1 ? made.family_id : new_hex_id();
  dataset.id = dataset_id(dataset.workspace_id, dataset.family_id, dataset.batch);
  dataset.name = made.name;
  dataset.description = made.description;
  dataset.data_type_id =
      made.data_type_id.empty() ? upload->second.data_type_id : made.data_type_id;
  dataset.owner = made.owner;
  dataset.origin = "FromResourceUpload";
  dataset.upload_id = made.upload_id;
  dataset.uploaded_from = made.uploaded_from;
  dataset.created_ms = clock_.now_ms();
  std::vector<std::string> blocks;
  for (const auto& [number, file] : upload->second.blocks) blocks.push_back(file);
  TRY(dataset.bytes, join_files(path_of(dataset.id), blocks));
  std::vector<store::Write> writes;
  writes.push_back(write_of(dataset, store::Expect::absent));
  TRY_OK(store_.commit(std::move(writes)));
  drop_upload(made.upload_id);
  return dataset;
}

Result<void> Datasets::remove_family(
    std::string_view workspace_id, std::string_view family_id,
    const std::function<Result<bool>(std::string_view id)>& keep_content) {
  const std::lock_guard lock(mutex_);
  const std::string prefix = std::string(workspace_id) + "." + std::string(family_id) + ".";
  TRY(const auto documents, store_.list(kCollection, prefix));
  std::vector<store::Write> writes;
  std::vector<std::string> files;
  for (const auto& document : documents) {
    TRY(Dataset dataset, from_document(document));
    if (dataset.deleted) continue;
    TRY(const bool keep, keep_content(dataset.id));
    dataset.deleted = true;
    store::Write write = write_of(dataset, store::Expect::anything);
    if (!keep) {
      write.body.reset();
      files.push_back(path_of(dataset.id));
    }
    writes.push_back(std::move(write));
  }
  if (writes.empty())
    return fail(Errc::not_found, "Dataset family '" + std::string(family_id) + "' was not found.");
  TRY_OK(store_.commit(std::move(writes)));
  std::error_code ignored;
  for (const auto& file : files) std::filesystem::remove(file, ignored);
  loaded_.remove_if([&](const auto& entry) { return entry.first.starts_with(prefix); });
  return {};
}

}  // namespace mlgate::studio
