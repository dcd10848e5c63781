#include "gateway/consent/notice_book.h"

#include <algorithm>
#include <cctype>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::consent {

std::vector<std::string> ManifestFaults(const v1::InterfaceManifest& manifest) {
  std::vector<std::string> faults;
  if (manifest.pre_ticked()) faults.emplace_back("pre_ticked");
  if (manifest.steps_to_refuse() > manifest.steps_to_accept()) {
    faults.emplace_back("refusing_takes_longer");
  }
  if (!manifest.refuse_on_first_layer()) faults.emplace_back("refusal_hidden");
  if (!manifest.same_prominence()) {
    faults.emplace_back("refusal_less_prominent");
  }
  return faults;
}

absl::Status NoticeBook::Load(store::Connection* connection) {
  CONSENTRY_ASSIGN_OR_RETURN(auto query,
                             connection->Prepare("SELECT doc FROM notices"));
  while (true) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) return absl::OkStatus();
    v1::Notice notice;
    if (!notice.ParseFromArray(query.Blob(0).data(),
                               static_cast<int>(query.Blob(0).size()))) {
      return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                       "a notice in the store is none");
    }
    Add(notice);
  }
}

void NoticeBook::Add(const v1::Notice& notice) {
  Text text;
  text.language = absl::AsciiStrToLower(notice.ref().language());
  text.hash = absl::HexStringToBytes(notice.ref().text_hash());
  text.purposes = {notice.purposes().begin(), notice.purposes().end()};
  if (notice.has_manifest()) {
    const auto faults = ManifestFaults(notice.manifest());
    if (!faults.empty()) text.fault = faults.front();
  }
  MutexLock lock(&mu_);
  auto& texts = texts_[{notice.ref().id(), notice.ref().version()}];
  const bool known = std::any_of(
      texts.begin(), texts.end(),
      [&](const Text& other) { return other.language == text.language; });
  if (!known) texts.push_back(std::move(text));
}

std::string NoticeBook::FaultIn(const Text& text, const std::string& purpose) {
  if (!text.fault.empty()) return text.fault;
  const bool named = std::find(text.purposes.begin(), text.purposes.end(),
                               purpose) != text.purposes.end();
  return named ? "" : "purpose_not_named";
}

std::string NoticeBook::FaultOf(const store::v1::ConsentEvent& consent) const {
  MutexLock lock(&mu_);
  const auto found =
      texts_.find({consent.notice_id(), consent.notice_version()});
  if (found == texts_.end()) return "";
  const std::string language = absl::AsciiStrToLower(consent.notice_language());
  bool language_known = language.empty();
  bool hash_known = consent.notice_hash().empty();
  std::string fault;
  bool carried = false;
  for (const Text& text : found->second) {
    if (!language.empty() && text.language != language) continue;
    language_known = true;
    if (!consent.notice_hash().empty() && text.hash != consent.notice_hash()) {
      continue;
    }
    hash_known = true;
    const std::string of_text = FaultIn(text, consent.purpose());
    carried |= of_text.empty();
    if (fault.empty()) fault = of_text;
  }
  if (!language_known) return "language_unknown";
  if (!hash_known) return "text_differs";
  // With its hash the text is certain; without, each may have been shown.
  return carried && !consent.notice_hash().empty() ? "" : fault;
}

void NoticeBook::Judge(store::v1::ConsentEvent* consent) const {
  if (consent->type() != store::v1::ConsentEvent::GIVEN &&
      consent->type() != store::v1::ConsentEvent::RENEWED) {
    return;
  }
  std::string fault = FaultOf(*consent);
  if (fault.empty()) return;
  consent->set_type(store::v1::ConsentEvent::INVALIDATED);
  consent->set_invalid_reason(std::move(fault));
}

}  // namespace consentry::consent
