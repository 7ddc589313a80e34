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

const ProductContext* ApiBinding::context_of(std::uint64_t product_number) const noexcept {
  for (const auto& context : contexts) {
    if (context.product && context.product->number == product_number) return &context;
  }
  return nullptr;
}

ApiTrie::ApiTrie(PathCase path_case) : children_(path_case), nodes_(1) {}

void ApiTrie::add(ApiBindingPtr binding) {
  std::uint32_t node = 0;
  if (!binding->api->path.empty()) {
    for (const auto segment : split(binding->api->path, '/')) {
      const auto next = std::uint32_t(nodes_.size());
      node = children_.find_or_add(node, segment, next);
      if (node == next) nodes_.emplace_back();
    }
  }
  auto& revisions = nodes_[node].revisions;
  const bool current = binding->api->is_current;
  revisions.insert(current ? revisions.begin() : revisions.end(), std::move(binding));
}

const ApiBinding* ApiTrie::pick(const Node& node, std::string_view revision) const noexcept {
  for (const auto& binding : node.revisions) {
    const auto& api = *binding->api;
    if (revision.empty() ? api.is_current : api.revision == revision) {
      return api.is_current || api.is_online ? binding.get() : nullptr;
    }
  }
  return nullptr;
}

ApiTrie::Match ApiTrie::find(const RequestPath& path) const noexcept {
  std::uint32_t node = 0;
  const Node* best = nodes_[0].revisions.empty() ? nullptr : &nodes_[0];
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
    if (!nodes_[node].revisions.empty()) {
      best = &nodes_[node];
      match.segments = at + 1;
      revision = wanted;
    }
    if (!wanted.empty()) break;  // A revision ends the API's part of the path.
  }
  if (best) match.binding = pick(*best, revision);
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
