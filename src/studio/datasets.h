#pragma once
// Datasets of the workspaces: what they are is a document each, what they hold a file each below
// the data folder. Samples belong to the global workspace, are seen by all and live in the program.
// A dataset never changes: an upload under the same family is a new version.
#include "base/result.h"
#include "base/time.h"
#include "store/store.h"
#include "table/types.h"

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::studio {

// Ids of assets that every workspace sees begin with this workspace.
inline constexpr std::string_view kGlobalWorkspace = "506153734175476c4f62416c57734963";

struct SampleDataset {
  std::string name, description, data_type_id;
  std::string_view content;  // Outlives the program's use of it.
};

struct Dataset {
  std::string id, workspace_id, family_id, name, description, data_type_id, owner, origin;
  std::string upload_id, uploaded_from;
  std::uint64_t bytes = 0, batch = 1;
  TimeMs created_ms = 0;
  bool deleted = false;  // Content stays while a published service needs it.
};

// A dataset that is made from an upload.
struct NewDataset {
  std::string workspace_id, name, description, data_type_id, family_id, owner, upload_id,
      uploaded_from;
};

// Threads: any but a worker; calls block on the store and on files.
class Datasets {
 public:
  static constexpr std::size_t kUploadsMax = 1'000;
  static constexpr std::uint64_t kBlocksMax = 100'000;
  static constexpr std::uint64_t kBytesMax = std::uint64_t{8} << 30;  // Of one dataset.

  // `folder` is made when it is not there; pieces of uploads that were not ended are removed from
  // it.
  Datasets(store::Store& store, const Clock& clock, std::string folder,
           std::vector<SampleDataset> samples);
  Result<void> open();

  // Latest versions that are not deleted, samples first, then by name.
  Result<std::vector<Dataset>> list(std::string_view workspace_id) const;
  // Of the workspace or a sample.
  Result<Dataset> get(std::string_view workspace_id, std::string_view id) const;
  Result<std::string> content(const Dataset& dataset) const;
  // The content as a table; any workspace, deleted ones included. Kept for the next caller.
  Result<table::Table> load(std::string_view id);

  Result<std::string> begin_upload(std::string_view workspace_id, std::string_view data_type_id,
                                   std::string_view first_block);
  Result<void> add_block(std::string_view workspace_id, std::string_view upload_id,
                         std::uint64_t block, std::string_view bytes);
  // conflict when another dataset of the workspace has the name.
  Result<Dataset> create(const NewDataset& made);
  // Removes all versions. Their content goes unless `keep_content` says so of an id.
  Result<void> remove_family(std::string_view workspace_id, std::string_view family_id,
                             const std::function<Result<bool>(std::string_view id)>& keep_content);

 private:
  struct Upload {
    std::string workspace_id, data_type_id;
    TimeMs begun_ms = 0;
    std::uint64_t bytes = 0;
    std::map<std::uint64_t, std::string> blocks;  // Number to file.
  };
  std::string path_of(std::string_view id) const;
  Result<std::optional<Dataset>> find(std::string_view id) const;
  Result<void> put_block(Upload& upload, std::string_view upload_id, std::uint64_t block,
                         std::string_view bytes);
  void drop_upload(const std::string& upload_id);
  void forget_old_uploads();
  const SampleDataset* sample(std::string_view id) const;
  Dataset describe(const SampleDataset& sample) const;

  store::Store& store_;
  const Clock& clock_;
  std::string folder_;
  std::vector<SampleDataset> samples_;
  std::mutex mutex_;
  std::map<std::string, Upload, std::less<>> uploads_;      // Guarded by mutex_.
  std::list<std::pair<std::string, table::Table>> loaded_;  // Guarded; most recent first.
};

// Reads text of one of Studio's data types; invalid_argument for those that are no table.
Result<table::Table> read_table(std::string_view data_type_id, std::string_view text);

}  // namespace mlgate::studio
