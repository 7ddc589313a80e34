#include "control/control.h"

namespace mlgate::control {

std::vector<Error> Control::update(const apim::ServiceModel& model) {
  const std::scoped_lock lock(mutex_);
  auto errors = builder_.update(model);
  if (errors.empty()) publisher_.publish(builder_.snapshot());
  return errors;
}

std::vector<Error> Control::apply(apim::EntityNumber service, const apim::ModelDelta& delta) {
  const std::scoped_lock lock(mutex_);
  auto errors = builder_.apply(service, delta);
  if (errors.empty()) publisher_.publish(builder_.snapshot());
  return errors;
}

bool Control::knows(apim::EntityNumber service) {
  const std::scoped_lock lock(mutex_);
  return builder_.knows(service);
}

std::vector<Error> Control::replace(std::span<const apim::ServiceModel> models) {
  const std::scoped_lock lock(mutex_);
  auto errors = builder_.replace(models);
  if (errors.empty()) publisher_.publish(builder_.snapshot());
  return errors;
}

std::vector<Error> Control::replace(std::span<const apim::ModelDelta> instances) {
  const std::scoped_lock lock(mutex_);
  auto errors = builder_.replace(instances);
  if (errors.empty()) publisher_.publish(builder_.snapshot());
  return errors;
}

std::vector<NamedQuota> Control::quotas_of(apim::EntityNumber service,
                                           std::string_view counter_key) {
  const std::scoped_lock lock(mutex_);
  return builder_.quotas_of(service, counter_key);
}

void Control::remove(apim::EntityNumber service) {
  const std::scoped_lock lock(mutex_);
  builder_.remove(service);
  publisher_.publish(builder_.snapshot());
}

}  // namespace mlgate::control
