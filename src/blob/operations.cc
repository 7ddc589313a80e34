#include "blob/operations.h"

#include "base/crypto.h"
#include "base/text.h"
#include "blob/answers.h"
#include "blob/digest.h"
#include "blob/fault.h"

#include <algorithm>

namespace mlgate::blob {
namespace {

constexpr TimeMs kDelegationMaxMs = TimeMs{7} * 24 * 3600 * 1000;

bool breaks_lease(const BlobRequest& request) {
  return equals_ignoring_case(request.header("x-ms-lease-action"), "break");
}

Operation operation_of(const BlobRequest& request) {
  switch (request.verb) {
    case Verb::list_containers:
      return Operation::list_containers;
    case Verb::set_service_properties:
      return Operation::write_service;
    case Verb::preflight:
    case Verb::get_service_properties:
    case Verb::account_information:
      return Operation::read_service;
    case Verb::delegation_key:
      return Operation::delegate;
    case Verb::create_container:
      return Operation::create_container;
    case Verb::container_properties:
    case Verb::container_metadata:
      return Operation::read_container;
    case Verb::set_container_metadata:
      return Operation::write_container;
    case Verb::delete_container:
      return Operation::delete_container;
    case Verb::get_acl:
    case Verb::set_acl:
      return Operation::container_access;
    case Verb::lease_container:
      return breaks_lease(request) ? Operation::break_container_lease : Operation::lease_container;
    case Verb::list_blobs:
      return Operation::list_blobs;
    case Verb::put_blob:
    case Verb::put_block:
    case Verb::put_block_list:
    case Verb::copy_blob:
    case Verb::set_blob_properties:
    case Verb::set_blob_metadata:
      return Operation::write_blob;
    case Verb::get_block_list:
    case Verb::get_blob:
    case Verb::blob_properties:
    case Verb::blob_metadata:
      return Operation::read_blob;
    case Verb::delete_blob:
      return Operation::delete_blob;
    case Verb::lease_blob:
      return breaks_lease(request) ? Operation::break_blob_lease : Operation::lease_blob;
  }
  return Operation::write_service;
}

// Calls that may make a blob are asked about with allow_put.
bool may_create(Verb verb) noexcept {
  return verb == Verb::put_blob || verb == Verb::put_block || verb == Verb::put_block_list ||
         verb == Verb::copy_blob;
}

http::Response with_status(int status) {
  http::Response response;
  response.status = status;
  return response;
}

http::Response container_answer(int status, const ContainerInfo& info) {
  http::Response response = with_status(status);
  set_modified(response, info.etag, info.modified_ms);
  return response;
}

http::Response blob_answer(int status, const BlobInfo& info) {
  http::Response response = with_status(status);
  set_modified(response, info.etag, info.modified_ms);
  return response;
}

// A create-only caller meets a blob that is there.
Error as_overwrite(Error error, const BlobRequest& request) {
  if (is_fault(error, Fault::blob_already_exists) && request.header("if-none-match").empty())
    return make_error(Fault::unauthorized_blob_overwrite);
  return error;
}

}  // namespace

Result<void> check_digests(const BlobRequest& request, std::string_view raw_md5,
                           std::uint64_t crc64) {
  if (const std::string_view md5 = request.header("content-md5"); !md5.empty()) {
    const auto raw = base64_decode(md5);
    if (!raw || raw->size() != 16) return fail(Fault::invalid_md5);
    if (*raw != raw_md5) return fail(Fault::md5_mismatch);
  }
  if (const std::string_view crc = request.header("x-ms-content-crc64"); !crc.empty())
    if (crc != crc64_text(crc64)) return fail(Fault::crc64_mismatch);
  return {};
}

Result<void> check_digests(const BlobRequest& request, std::string_view body) {
  std::string raw;
  if (!request.header("content-md5").empty()) {
    Md5 md5;
    md5.update(body);
    raw = md5.finish();
  }
  return check_digests(request, raw, crc64(0, body));
}

Result<Claims> Operations::authorize(const BlobRequest& request) {
  TRY(Claims claims, access_.by_request(request.to_sign(), request.place, request.caller));
  if (may_create(request.verb)) {
    TRY_OK(access_.allow_put(claims, request.place, {}));
  } else {
    TRY_OK(access_.allow(claims, operation_of(request), request.place));
  }
  return claims;
}

Result<Conditions> Operations::authorize_put(const BlobRequest& request) {
  TRY(const Claims claims, access_.by_request(request.to_sign(), request.place, request.caller));
  TRY(Conditions conditions, conditions_of(request));
  // A block changes nothing that can be read: who may create may stage.
  if (request.verb == Verb::put_block) {
    TRY_OK(access_.allow_put(claims, request.place, {}));
    conditions = Conditions{.if_match = {},
                            .if_none_match = {},
                            .if_modified_since = {},
                            .if_unmodified_since = {},
                            .lease_id = conditions.lease_id};
  } else {
    TRY(conditions, access_.allow_put(claims, request.place, std::move(conditions)));
  }
  if (auto checked = storage_.check_write(request.place, conditions); !checked)
    return std::unexpected(as_overwrite(std::move(checked).error(), request));
  return conditions;
}

Result<void> Operations::check(const BlobRequest& request) {
  TRY_OK(authorize(request));
  return {};
}

Result<http::Response> Operations::perform(const BlobRequest& request, std::string_view body) {
  if (request.verb == Verb::preflight) return preflight(request);
  TRY(const Claims claims, authorize(request));
  TRY_OK(check_digests(request, body));
  if (request.place.container.empty() || request.verb == Verb::account_information)
    return on_service(request, claims, body);
  if (request.place.blob.empty()) return on_container(request, body);
  return on_blob(request, claims, body);
}

Result<ServiceProperties> Operations::properties_of(const std::string& account) {
  TRY(const std::string xml, storage_.service_properties(account));
  if (xml.empty()) return ServiceProperties();
  return read_service_properties(xml, {});
}

HeaderList Operations::cors_fields(const BlobRequest& request) {
  HeaderList fields;
  const std::string_view origin = request.header("origin");
  const auto properties = properties_of(request.place.account);
  if (!properties) return fields;
  if (const CorsRule* rule = matching_rule(properties->cors, {origin, request.method, {}}))
    add_cors_headers(fields, *rule, origin);
  return fields;
}

Result<http::Response> Operations::preflight(const BlobRequest& request) {
  const CorsAsk ask{request.header("origin"), request.header("access-control-request-method"),
                    request.header("access-control-request-headers")};
  if (ask.origin.empty() || ask.method.empty())
    return fail(Fault::missing_required_header,
                "A preflight has Origin and Access-Control-Request-Method headers.");
  TRY(const ServiceProperties properties, properties_of(request.place.account));
  const CorsRule* rule = matching_rule(properties.cors, ask);
  if (!rule) return fail(Fault::cors_preflight_failure);
  http::Response response = with_status(200);
  add_preflight_headers(response.headers, *rule, ask);
  return response;
}

Result<http::Response> Operations::on_service(const BlobRequest& request, const Claims& claims,
                                              std::string_view body) {
  const std::string& account = request.place.account;
  TRY_OK(accounts_.find(account));
  switch (request.verb) {
    case Verb::list_containers: {
      TRY(const ListQuery query, list_query_of(request));
      TRY(const ContainerPage page, storage_.list_containers(account, query));
      return xml_response(200, container_list(request, query, page));
    }
    case Verb::get_service_properties: {
      TRY(const ServiceProperties properties, properties_of(account));
      return xml_response(200, write_service_properties(properties));
    }
    case Verb::set_service_properties: {
      TRY(const ServiceProperties before, properties_of(account));
      TRY(const ServiceProperties after, read_service_properties(body, before));
      TRY_OK(storage_.set_service_properties(account, write_service_properties(after)));
      return with_status(202);
    }
    case Verb::delegation_key:
      return delegation_key(request, claims, body);
    default:
      break;
  }
  http::Response response = with_status(200);
  response.set("x-ms-sku-name", "Standard_LRS");
  response.set("x-ms-account-kind", "StorageV2");
  response.set("x-ms-is-hns-enabled", "false");
  return response;
}

Result<http::Response> Operations::delegation_key(const BlobRequest& request, const Claims& claims,
                                                  std::string_view body) {
  if (claims.principal.object_id.empty()) return fail(Fault::authorization_failure);
  TRY(const KeyInfo info, read_key_info(body));
  const TimeMs now = clock_.now_ms();
  const TimeMs start = info.start.empty() ? now : parse_sas_time(info.start).value_or(now);
  const TimeMs expiry = parse_sas_time(info.expiry).value_or(now);
  if (expiry <= now || expiry <= start || expiry > now + kDelegationMaxMs)
    return fail(Fault::out_of_range_input,
                "The key's expiry lies in the future, at most seven days ahead.");
  const auto seconds = [](TimeMs time) {
    std::string text = to_iso8601(time);
    return text.erase(text.find('.')) + "Z";
  };
  Sas fields;
  fields.skoid = claims.principal.object_id;
  fields.sktid = claims.principal.tenant_id;
  fields.skt = seconds(start);
  fields.ske = seconds(expiry);
  fields.sks = "b";
  fields.skv = request.version();
  fields.skdutid = info.delegated_tenant;
  XmlWriter w;
  w.open("UserDelegationKey");
  w.element("SignedOid", fields.skoid).element("SignedTid", fields.sktid);
  w.element("SignedStart", fields.skt).element("SignedExpiry", fields.ske);
  w.element("SignedService", fields.sks).element("SignedVersion", fields.skv);
  if (!fields.skdutid.empty()) w.element("SignedDelegatedUserTid", fields.skdutid);
  w.element("Value", access_.delegation_key(request.place.account, fields));
  return xml_response(200, std::move(w).finish());
}

Result<http::Response> Operations::on_container(const BlobRequest& request, std::string_view body) {
  const Place& place = request.place;
  TRY(const Conditions conditions, conditions_of(request));
  switch (request.verb) {
    case Verb::create_container: {
      TRY_OK(accounts_.find(place.account));
      TRY(const Metadata metadata, metadata_of(request));
      TRY(const PublicAccess access, public_access_of(request));
      TRY(const ContainerInfo info, storage_.create_container(place, metadata, access));
      return container_answer(201, info);
    }
    case Verb::container_properties:
    case Verb::container_metadata: {
      TRY(const ContainerInfo info, storage_.container(place, conditions.lease_id));
      http::Response response = with_status(200);
      set_container_fields(response, info);
      set_metadata(response, info.metadata);
      return response;
    }
    case Verb::set_container_metadata: {
      TRY(const Metadata metadata, metadata_of(request));
      TRY(const ContainerInfo info, storage_.set_container_metadata(place, metadata, conditions));
      return container_answer(200, info);
    }
    case Verb::delete_container: {
      TRY_OK(storage_.delete_container(place, conditions));
      return with_status(202);
    }
    case Verb::get_acl: {
      TRY(const ContainerInfo info, storage_.container(place, conditions.lease_id));
      http::Response response = xml_response(200, signed_identifiers(info.policies));
      set_container_fields(response, info);
      return response;
    }
    case Verb::set_acl: {
      TRY(const PublicAccess access, public_access_of(request));
      TRY(const std::vector<AccessPolicy> policies, read_signed_identifiers(body));
      TRY(const ContainerInfo info,
          storage_.set_container_access(place, access, policies, conditions));
      return container_answer(200, info);
    }
    case Verb::lease_container:
      return lease(request);
    default:
      break;
  }
  TRY(const ListQuery query, list_query_of(request));
  TRY(const BlobPage page, storage_.list_blobs(place, query));
  return xml_response(200, blob_list(request, query, page));
}

Result<http::Response> Operations::on_blob(const BlobRequest& request, const Claims& claims,
                                           std::string_view body) {
  const Place& place = request.place;
  TRY(const Conditions conditions, conditions_of(request));
  switch (request.verb) {
    case Verb::put_block_list:
      return put_block_list(request, body);
    case Verb::get_block_list: {
      const std::string which = request.parameter("blocklisttype").value_or("committed");
      if (which != "committed" && which != "uncommitted" && which != "all")
        return fail(Fault::invalid_query_parameter_value,
                    "blocklisttype is committed, uncommitted or all.");
      TRY(const BlockLists lists, storage_.block_lists(place, conditions.lease_id));
      http::Response response = xml_response(200, block_list(lists, which));
      if (lists.blob) set_modified(response, lists.blob->etag, lists.blob->modified_ms);
      response.set("x-ms-blob-content-length", std::to_string(lists.blob ? lists.blob->bytes : 0));
      return response;
    }
    case Verb::blob_metadata: {
      TRY(const BlobInfo info, storage_.blob(place, conditions));
      http::Response response = blob_answer(200, info);
      set_metadata(response, info.metadata);
      return response;
    }
    case Verb::set_blob_metadata: {
      TRY(const Metadata metadata, metadata_of(request));
      TRY(const BlobInfo info, storage_.set_metadata(place, metadata, conditions));
      http::Response response = blob_answer(200, info);
      response.set("x-ms-request-server-encrypted", "false");
      return response;
    }
    case Verb::set_blob_properties: {
      TRY(const BlobInfo info,
          storage_.set_headers(place, content_headers_of(request), conditions));
      return blob_answer(200, info);
    }
    case Verb::delete_blob:
      return delete_blob(request);
    case Verb::copy_blob:
      return copy_blob(request, claims);
    case Verb::lease_blob:
      return lease(request);
    default:
      return fail(Fault::not_implemented);
  }
}

Result<http::Response> Operations::delete_blob(const BlobRequest& request) {
  if (equals_ignoring_case(request.header("x-ms-delete-snapshots"), "only"))
    return fail(Fault::snapshots_unsupported);
  TRY(const Conditions conditions, conditions_of(request));
  TRY_OK(storage_.delete_blob(request.place, conditions));
  http::Response response = with_status(202);
  response.set("x-ms-delete-type-permanent", "true");
  return response;
}

Result<http::Response> Operations::put_block_list(const BlobRequest& request,
                                                  std::string_view body) {
  TRY(const std::vector<BlockRef> blocks, read_block_list(body));
  TRY(const Conditions conditions, authorize_put(request));
  PutOptions options;
  options.headers = content_headers_of(request);
  TRY(options.metadata, metadata_of(request));
  auto info = storage_.put_block_list(request.place, blocks, options, conditions);
  if (!info) return std::unexpected(as_overwrite(std::move(info).error(), request));
  http::Response response = blob_answer(201, *info);
  response.set("x-ms-content-crc64", crc64_text(crc64(0, body)));
  response.set("x-ms-request-server-encrypted", "false");
  return response;
}

Result<http::Response> Operations::copy_blob(const BlobRequest& request, const Claims& claims) {
  const std::string_view url = request.header("x-ms-copy-source");
  std::string query;
  TRY(const Place source, place_of_url(request, url, query));
  // An owner may read what is his; anyone else brings a token for the source, or it is public.
  Claims reader = claims;
  if (claims.kind != Claims::Kind::owner) {
    const http::Fields none;
    TRY(reader, access_.by_request({"GET", {}, query, &none, 0}, source, request.caller));
  }
  if (!access_.allow(reader, Operation::read_blob, source))
    return fail(Fault::cannot_verify_copy_source);
  CopyOptions options;
  TRY(options.source, conditions_of(request, "x-ms-source-"));
  TRY(Metadata metadata, metadata_of(request));
  if (!metadata.empty()) options.metadata = std::move(metadata);
  options.source_url = url.substr(0, url.find('?'));
  TRY(const Conditions conditions, authorize_put(request));
  auto info = storage_.copy_blob(source, request.place, options, conditions);
  if (!info) return std::unexpected(as_overwrite(std::move(info).error(), request));
  http::Response response = blob_answer(request.version() < "2012-02-12" ? 201 : 202, *info);
  response.set("x-ms-copy-id", info->copy_id);
  response.set("x-ms-copy-status", "success");
  return response;
}

Result<http::Response> Operations::lease(const BlobRequest& request) {
  TRY(const LeaseRequest lease, lease_of(request));
  TRY(Conditions conditions, conditions_of(request));
  conditions.lease_id.clear();
  TRY(const LeaseAnswer answer, request.verb == Verb::lease_blob
                                    ? storage_.lease_blob(request.place, lease, conditions)
                                    : storage_.lease_container(request.place, lease, conditions));
  using Action = LeaseRequest::Action;
  http::Response response = with_status(lease.action == Action::acquire       ? 201
                                        : lease.action == Action::break_lease ? 202
                                                                              : 200);
  set_modified(response, answer.etag, answer.modified_ms);
  if (!answer.id.empty()) response.set("x-ms-lease-id", answer.id);
  if (lease.action == Action::break_lease)
    response.set("x-ms-lease-time", std::to_string(answer.break_left_s));
  return response;
}

}  // namespace mlgate::blob
