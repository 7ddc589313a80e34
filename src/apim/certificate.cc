// Client certificates for backends: uploaded as PKCS #12, shown without their key.
#include "apim/entities.h"
#include "base/crypto.h"
#include "base/pkcs12.h"

namespace mlgate::apim {

Certificate parse_certificate(const Json& properties, const Certificate* before, Errors& errors) {
  PropertyReader in(properties, errors);
  Certificate out;
  if (in.has("keyVault"))
    in.reject("keyVault", "Certificates from key vaults are not supported by this build.");
  const auto data = in.optional_text("data", {1, 400'000});
  const auto password = in.optional_text("password", {0, 1'000});
  if (!data) {
    if (before == nullptr)
      in.reject("data", "'data' is required.");
    else
      out = *before;
    return out;
  }
  const auto bytes = base64_decode(*data);
  if (!bytes) {
    in.reject("data", "'data' is not base64.");
    return out;
  }
  auto bundle = read_pkcs12(*bytes, password.value_or(""));
  if (!bundle) {
    in.reject("data", bundle.error().message());
    return out;
  }
  out.subject = std::move(bundle->subject);
  out.thumbprint = std::move(bundle->thumbprint);
  out.expiration_ms = bundle->not_after;
  out.certificate_pem = std::move(bundle->certificate_pem);
  out.key_pem = std::move(bundle->key_pem);
  return out;
}

Json properties_of(const Certificate& certificate) {
  return Json::object({{"subject", certificate.subject},
                       {"thumbprint", certificate.thumbprint},
                       {"expirationDate", to_iso8601(certificate.expiration_ms)}});
}

Certificate read_kept_certificate(const Json& properties) {
  Certificate out;
  out.subject = properties.string_or("subject");
  out.thumbprint = properties.string_or("thumbprint");
  out.expiration_ms = parse_iso8601(properties.string_or("expirationDate")).value_or(0);
  return out;
}

}  // namespace mlgate::apim
