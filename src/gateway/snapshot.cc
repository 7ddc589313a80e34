#include "gateway/snapshot.h"

#include "base/text.h"

#include <algorithm>

namespace mlgate::gateway {

namespace {

constexpr std::string_view kRevision = ";rev=";

// Splits "orders;rev=2" into "orders" and "2"; npos-free: an empty revision means there was none.
std::string_view cut_revision(std::string_view& segment) noexcept {
  for (std::size_t at = segment.find(';'); at != std::string_view::npos;
       at = segment.find(';', at + 1)) {
    if (!starts_with_ignoring_case(segment.substr(at), kRevision)) continue;
    const auto revision = segment.substr(at + kRevision.size());
    segment = segment.substr(0, at);
    return revision;
  }
  return {};
}

}  // namespace

bool Protocols::allows(std::string_view scheme, bool upgrade) const noexcept {
  const bool secure = equals_ignoring_case(scheme, "https");
  if (upgrade) return secure ? wss : ws;
  return secure ? https : http;
}

void PipelineList::add(PipelinePtr pipeline) {
  if (size_ == 0) {
    one_ = std::move(pipeline);
  } else if (!each_.empty() || pipeline != one_) {
    if (each_.empty()) each_.assign(size_, one_);
    each_.push_back(std::move(pipeline));
  }
  ++size_;
}

const ProductContext* ApiBinding::context_of(std::uint64_t product_number) const noexcept {
  for (const auto& context : contexts) {
    if (context.product && context.product->number == product_number) return &context;
  }
  return nullptr;
}

ApiTrie::ApiTrie(PathCase path_case) : children_(path_case), nodes_(1) {}

std::uint32_t ApiTrie::node_at(std::uint32_t node, std::string_view path) {
  if (path.empty()) return node;
  for (const auto segment : split(path, '/')) {
    const auto next = std::uint32_t(nodes_.size());
    node = children_.find_or_add(node, segment, next);
    if (node == next) nodes_.emplace_back();
  }
  return node;
}

const ApiBinding* ApiTrie::add(ApiBindingPtr binding) {
  const auto& api = *binding->api;
  std::uint32_t node = node_at(0, api.path);
  nodes_[node].taken = true;
  // A version in the path is one more segment of it.
  const bool in_path = api.version.scheme == ApiVersion::Scheme::segment;
  if (in_path && !api.version.value.empty()) {
    node = node_at(node, api.version.value);
    nodes_[node].taken = true;
  }
  const std::string_view value = in_path ? std::string_view() : api.version.value;
  auto& versions = nodes_[node].versions;
  auto found = std::find_if(versions.begin(), versions.end(),
                            [&](const Version& one) { return one.key.value == value; });
  if (found == versions.end()) {
    for (const auto& one : versions)
      if (one.key.set != api.version.set) return one.revisions.front().get();
    found = versions.insert(versions.end(), {api.version, {}});
    found->key.value = value;
  }
  auto& revisions = found->revisions;
  if (!revisions.empty() && revisions.front()->api->family != api.family)
    return revisions.front().get();
  const bool current = api.is_current;
  revisions.insert(current ? revisions.begin() : revisions.end(), std::move(binding));
  nodes_[node].note_only();
  return nullptr;
}

void ApiTrie::Node::note_only() noexcept {
  only = nullptr;
  if (versions.size() != 1 || versions[0].revisions.size() != 1) return;
  const ApiVersion& key = versions[0].key;
  const ApiBinding* const binding = versions[0].revisions[0].get();
  if (key.scheme != ApiVersion::Scheme::none || !key.value.empty() || !binding->api->is_current)
    return;
  only = binding;
  only_api = binding->api.get();
  only_operations = only_api->trie.block();
}

void ApiTrie::Node::prefetch() const noexcept {
  if (!only) return;
  constexpr std::size_t kLine = 64;
  __builtin_prefetch(only);
  for (std::size_t at = 0; at < sizeof(ApiPart); at += kLine)
    __builtin_prefetch(reinterpret_cast<const char*>(only_api) + at);
  OperationTrie::prefetch(only_operations);
}

const ApiBinding* ApiTrie::pick(const Version& version, std::string_view revision) noexcept {
  for (const auto& binding : version.revisions) {
    const auto& api = *binding->api;
    if (revision.empty() ? api.is_current : api.revision == revision) {
      return api.is_current || api.is_online ? binding.get() : nullptr;
    }
  }
  return nullptr;
}

const ApiTrie::Version* ApiTrie::version_of(const Node& node,
                                            const VersionRequest& request) noexcept {
  if (node.versions.empty()) return nullptr;
  const ApiVersion& any = node.versions.front().key;
  std::string_view wanted;
  if (any.scheme == ApiVersion::Scheme::query && !request.query.empty()) {
    wanted = query_value(request.query, any.parameter, *request.arena).value_or("");
  } else if (any.scheme == ApiVersion::Scheme::header && request.headers) {
    const auto* field = policy::find_header(*request.headers, any.parameter);
    if (field) wanted = field->value;
  }
  for (const auto& version : node.versions)
    if (version.key.value == wanted) return &version;
  return nullptr;
}

ApiTrie::Match ApiTrie::find(const RequestPath& path,
                             const VersionRequest& request) const noexcept {
  std::uint32_t node = 0;
  const Node* best = nodes_[0].taken ? &nodes_[0] : nullptr;
  Match match;
  std::string_view revision;
  for (std::size_t at = 0; at < path.segments.size(); ++at) {
    auto segment = path.segments[at].text;
    auto child = children_.find(node, segment);
    std::string_view wanted;
    if (child == SegmentTable::kNone) {
      wanted = cut_revision(segment);
      if (wanted.empty()) break;
      child = segment.empty() && node == 0 ? 0 : children_.find(node, segment);
      if (child == SegmentTable::kNone) break;
    }
    node = child;
    if (nodes_[node].taken) {
      best = &nodes_[node];
      best->prefetch();
      match.segments = at + 1;
      revision = wanted;
    }
    if (!wanted.empty()) break;  // A revision ends the API's part of the path.
  }
  if (!best) return match;
  if (best->only && revision.empty()) {
    match.binding = best->only;
    return match;
  }
  const Version* version = version_of(*best, request);
  if (version) match.binding = pick(*version, revision);
  return match;
}

std::size_t HostHash::operator()(std::string_view text) const noexcept {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ std::uint8_t(ascii_lower(c))) * 0x100000001b3;
  return hash ^ (hash >> 32);
}

bool HostEqual::operator()(std::string_view a, std::string_view b) const noexcept {
  return equals_ignoring_case(a, b);
}

const ServicePart* Snapshot::service_of(std::string_view authority) const noexcept {
  auto host = authority;
  if (host.starts_with('[')) {
    host = host.substr(0, std::min(host.find(']'), host.size() - 1) + 1);
  } else {
    host = host.substr(0, host.find(':'));
  }
  if (host.ends_with('.')) host.remove_suffix(1);
  const auto found = hosts.find(host);
  return found == hosts.end() ? default_service : found->second;
}

}  // namespace mlgate::gateway
