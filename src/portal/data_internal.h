#pragma once
// The handlers of /data-api, and what several of them need.
#include "base/json.h"
#include "portal/data_api.h"

#include <string>
#include <vector>

namespace mlgate::portal {

using DataCall = DataApi::Call;
using Answer = Result<http::Response>;

// {"value","count","nextLink"}: the page that $top and $skip ask for.
Answer list_answer(const DataCall& call, std::vector<Json> items);

// data_catalogue.cc
Answer get_instance(DataCall& call);
Answer list_apis(DataCall& call);
Answer get_api(DataCall& call);
Answer list_operations(DataCall& call);
Answer get_operation(DataCall& call);
Answer list_products_of_api(DataCall& call);
Answer list_products(DataCall& call);
Answer get_product(DataCall& call);
Answer list_apis_of_product(DataCall& call);

// data_account.cc
Json user_json(const apim::User& user);
Answer get_user(DataCall& call);
Answer patch_user(DataCall& call);
Answer list_subscriptions(DataCall& call);
Answer get_subscription(DataCall& call);
Answer post_subscription(DataCall& call);
Answer patch_subscription(DataCall& call);
Answer list_secrets(DataCall& call);
Answer regenerate_primary(DataCall& call);
Answer regenerate_secondary(DataCall& call);

// data_reports.cc
Answer get_report(DataCall& call);

// The caller's own subscription; not_found for anybody else's. denied for guests.
Result<apim::Subscription> own_subscription(apim::Reader& reader, const Visit& visit,
                                            std::string_view name);

}  // namespace mlgate::portal
