#pragma once
// The configuration as the data path sees it: compiled, immutable, shared by all workers. A call
// pins the snapshot it began with. Parts are shared between snapshots by pointer, so a change
// compiles only what it touches; counters, caches and pools live outside, under the stable numbers
// that stand in the parts.
#include "gateway/backend.h"
#include "gateway/backend_part.h"
#include "gateway/key_table.h"
#include "gateway/operation_trie.h"
#include "gateway/segment_table.h"
#include "gateway/url_template.h"
#include "policy/pipeline.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mlgate::gateway {

using DocumentPtr = std::shared_ptr<const policy::CompiledDocument>;
using PipelinePtr = std::shared_ptr<const policy::Pipeline>;

struct OperationPart {
  std::uint64_t number = 0;
  std::string name;
  std::string display_name;
  std::string method;
  std::string url_template;
  DocumentPtr document;  // Null: none of its own.
};

struct Protocols {
  bool http = false, https = false, ws = false, wss = false;
  bool allows(std::string_view scheme, bool upgrade) const noexcept;
};

// How callers name the version of an API that they want.
struct ApiVersion {
  enum class Scheme : unsigned char { none, segment, query, header };
  Scheme scheme = Scheme::none;
  std::uint64_t set = 0;  // Number of the version set.
  std::string parameter;  // Name of the query parameter or header.
  std::string value;      // Empty: the version without a name.
};

// One revision of one API.
struct ApiPart {
  std::uint64_t number = 0;
  std::uint64_t family = 0;  // The same for all revisions of an API: keys are for all of them.
  std::string name;          // Without the revision.
  std::string display_name;
  std::string path;  // Without slashes at the ends.
  std::string revision;
  bool is_current = true;
  bool is_online = true;
  ApiVersion version;
  Protocols protocols;
  bool subscription_required = true;
  std::string key_header = "Ocp-Apim-Subscription-Key";
  std::string key_query = "subscription-key";
  Backend backend;
  DocumentPtr document;
  std::vector<OperationPart> operations;  // In the order of their creation.
  OperationTrie trie;
};

struct ProductPart {
  std::uint64_t number = 0;
  std::string name;
  std::string display_name;
  bool subscription_required = true;
  DocumentPtr document;
};

// The pipelines of operations, by index. Most APIs have no policies at single operations, so that
// one pipeline is all of them: it is kept once, in place.
class PipelineList {
 public:
  void add(PipelinePtr pipeline);
  std::size_t size() const noexcept { return size_; }
  const PipelinePtr& operator[](std::size_t index) const noexcept {
    return each_.empty() ? one_ : each_[index];
  }

 private:
  PipelinePtr one_;
  std::size_t size_ = 0;
  std::vector<PipelinePtr> each_;  // Empty while all are `one_`.
};

// The pipelines of an API's operations in one product context.
struct ProductContext {
  std::shared_ptr<const ProductPart> product;  // Null: the context of the API alone.
  PipelineList pipelines;
};

// An API with everything that stands around it.
struct ApiBinding {
  std::shared_ptr<const ApiPart> api;
  std::vector<ProductContext> contexts;  // [0] is the one without a product.
  std::uint32_t open_context = 0;        // Index of the open product's context; 0: there is none.
  DocumentPtr global_document;           // What it was flattened with.

  const ProductContext* context_of(std::uint64_t product_number) const noexcept;
};
using ApiBindingPtr = std::shared_ptr<const ApiBinding>;

// What of a request says which version of an API it is for.
struct VersionRequest {
  std::string_view query;
  const http::Fields* headers = nullptr;
  policy::Arena* arena = nullptr;
};

// APIs of one service by path: the longest match of whole segments wins, then the version of the
// API that the caller names; `;rev=N` chooses a revision of it.
class ApiTrie {
 public:
  struct Match {
    const ApiBinding* binding = nullptr;
    std::size_t segments = 0;  // Taken by the API's path.
  };
  explicit ApiTrie(PathCase path_case = {});
  // nullptr, or the binding that has the place already.
  const ApiBinding* add(ApiBindingPtr binding);
  Match find(const RequestPath& path, const VersionRequest& request) const noexcept;

 private:
  struct Version {
    ApiVersion key;
    std::vector<ApiBindingPtr> revisions;  // The current one first.
  };
  // Where the path of an API ends, and that API has one version and one revision, they stand here
  // with what a call looks at next, so that all of it is fetched at once.
  struct Node {
    const ApiBinding* only = nullptr;  // Null: as the list says.
    const ApiPart* only_api = nullptr;
    const std::byte* only_operations = nullptr;
    bool taken = false;  // The path of an API ends here, even where no version of it has no name.
    std::vector<Version> versions;

    void note_only() noexcept;
    void prefetch() const noexcept;
  };
  std::uint32_t node_at(std::uint32_t node, std::string_view path);
  static const ApiBinding* pick(const Version& version, std::string_view revision) noexcept;
  static const Version* version_of(const Node& node, const VersionRequest& request) noexcept;
  SegmentTable children_;
  std::vector<Node> nodes_;
};

struct HostHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept;
};
struct HostEqual {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const noexcept;
};
template <class T>
using NameMap = std::unordered_map<std::string, T, HostHash, HostEqual>;

struct ServicePart {
  std::uint64_t number = 0;
  std::string name;
  bool enabled = true;
  std::shared_ptr<const ApiTrie> apis = std::make_shared<ApiTrie>();  // Of `bindings`.
  std::vector<ApiBindingPtr> bindings;
  std::vector<std::shared_ptr<const ProductPart>> products;
  std::shared_ptr<const KeyTable> keys;
  NameMap<BackendPartPtr> backends;
  // Where base URLs that stand in policy documents lead, by their text.
  std::shared_ptr<const NameMap<Backend>> base_urls;
  DocumentPtr global_document;
  PipelinePtr unmatched;  // The global document alone: its on-error runs when nothing matches.
};

struct Snapshot {
  std::uint64_t version = 0;
  std::vector<std::shared_ptr<const ServicePart>> services;
  // Host names without port, compared without case.
  NameMap<const ServicePart*> hosts;
  const ServicePart* default_service = nullptr;

  // `authority` as in the Host header, port included. nullptr when there is no service at all.
  const ServicePart* service_of(std::string_view authority) const noexcept;
};

}  // namespace mlgate::gateway
