#pragma once
// The registration functions of all policies; builtin.cc calls each once.

namespace mlgate::policy {

class PolicyCatalog;

void register_forward_request(PolicyCatalog& catalog);
void register_limit_concurrency(PolicyCatalog& catalog);
void register_quota(PolicyCatalog& catalog);
void register_quota_by_key(PolicyCatalog& catalog);
void register_rate_limit(PolicyCatalog& catalog);
void register_rate_limit_by_key(PolicyCatalog& catalog);
void register_return_response(PolicyCatalog& catalog);
void register_set_backend_service(PolicyCatalog& catalog);
void register_set_header(PolicyCatalog& catalog);
void register_set_variable(PolicyCatalog& catalog);

}  // namespace mlgate::policy
