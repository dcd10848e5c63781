#include "gateway/fairness/watched_version.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "policy/engine/text_config.h"
#include "proto/support/status_macros.h"

namespace consentry::fairness {

absl::StatusOr<std::shared_ptr<const ProfileInForce>> CompileProfile(
    const std::string& id, const std::string& text, uint64_t version) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto file, policy::ParseText<config::v1::FairnessProfile>(id, text));
  auto made = std::make_shared<ProfileInForce>();
  CONSENTRY_ASSIGN_OR_RETURN(made->profile,
                             rules::Profile::CreateKept(std::move(file)));
  made->version = version;
  made->text = text;
  return std::shared_ptr<const ProfileInForce>(std::move(made));
}

store::v1::FairnessVersionDoc NewVersionDoc(const ProfileInForce& profile,
                                            const std::string& model_version,
                                            int64_t now_us) {
  store::v1::FairnessVersionDoc doc;
  doc.set_profile_id(profile.profile->id());
  doc.set_profile_version(profile.version);
  doc.set_profile_text(profile.text);
  doc.set_model(profile.profile->message().model());
  doc.set_model_version(model_version);
  doc.set_start_us(now_us);
  for (size_t i = 0; i < profile.profile->attributes().size(); ++i) {
    doc.add_attributes();
  }
  for (size_t i = 0; i < profile.profile->metrics().size(); ++i) {
    doc.add_unreadable(0);
  }
  return doc;
}

std::string RecordName(const store::v1::FairnessVersionDoc& doc) {
  return absl::StrCat(doc.profile_id(), "/", doc.model_version());
}

std::string RecordId(const WatchedVersion& version) {
  return absl::StrCat("fmo_", version.doc.profile_id(), ".", version.no);
}

std::string MonitorId(const WatchedVersion& version, size_t stream) {
  return absl::StrCat(RecordId(version), ".", stream);
}

FairnessFinding FindingOf(const WatchedVersion& version, size_t stream,
                          bool violation) {
  FairnessFinding finding;
  finding.monitor = MonitorId(version, stream);
  finding.record = RecordName(version.doc);
  finding.version_no = version.no;
  finding.profile_version = version.doc.profile_version();
  finding.stream = stream;
  finding.violation = violation;
  return finding;
}

void NoteStanding(WatchedVersion* version) {
  version->violations.clear();
  version->alarms.clear();
  for (size_t i = 0; i < version->monitors.size(); ++i) {
    if (version->monitors[i]->violation_us() != 0) {
      version->violations.push_back(i);
    }
    if (version->monitors[i]->alarm()) version->alarms.push_back(i);
  }
}

}  // namespace consentry::fairness
