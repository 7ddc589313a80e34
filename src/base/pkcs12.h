#pragma once
// Certificates with their keys, as people upload them: PKCS #12 archives, turned into PEM.
#include "base/result.h"
#include "base/time.h"

#include <string>
#include <string_view>

namespace mlgate {

struct CertificateBundle {
  std::string certificate_pem;  // The certificate, then its chain.
  std::string key_pem;
  std::string subject;     // "CN=client"
  std::string thumbprint;  // SHA-1 of the DER, upper-case hex.
  TimeMs not_after = 0;
};

// `bytes` at most 256 KiB. invalid_argument when it is no archive, the password is wrong, or it
// holds no certificate with its key.
Result<CertificateBundle> read_pkcs12(std::string_view bytes, const std::string& password);

}  // namespace mlgate
