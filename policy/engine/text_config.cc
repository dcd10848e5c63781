#include "policy/engine/text_config.h"

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"

namespace consentry::policy {

std::string Fault::ToString() const {
  std::string line = place;
  if (!field.empty()) absl::StrAppend(&line, line.empty() ? "" : ": ", field);
  absl::StrAppend(&line, line.empty() ? "" : ": ", message);
  return line;
}

absl::Status FaultsToStatus(const std::vector<Fault>& faults) {
  if (faults.empty()) return absl::OkStatus();
  std::string text;
  for (const Fault& fault : faults) {
    if (!text.empty()) text += '\n';
    text += fault.ToString();
  }
  absl::Status status = MakeError(v1::ERROR_REASON_CONFIG_INVALID, text);
  for (const Fault& fault : faults) {
    AddFieldViolation(&status, {fault.field, fault.message});
  }
  return status;
}

Place Place::At(std::string_view field) const {
  Place place = *this;
  if (!place.path_.empty()) place.path_ += '.';
  place.path_ += field;
  return place;
}

Place Place::At(std::string_view field, int index) const {
  Place place = At(field);
  absl::StrAppend(&place.path_, "[", index, "]");
  return place;
}

Fault Place::MakeFault(std::string message) const {
  Fault fault;
  if (text_ != nullptr) fault.place = text_->Place(path_);
  fault.field = path_;
  fault.message = std::move(message);
  return fault;
}

}  // namespace consentry::policy
