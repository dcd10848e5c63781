#include "gateway/server/tag_resolver.h"

#include <utility>

#include "gateway/crypto/subject_tag.h"

namespace consentry::server {

trail::TagResolver MakeTagResolver(const crypto::SlotFile* slots,
                                   std::string log_origin) {
  using Tags = std::map<std::string, uint64_t, std::less<>>;
  return [slots, origin = std::move(log_origin)](
             const std::vector<uint32_t>& months) -> absl::StatusOr<Tags> {
    Tags tags;
    const absl::Status walked = slots->ForEach(
        1,
        [&](uint64_t subject,
            const absl::StatusOr<crypto::SlotInfo>& info) -> absl::Status {
          // A damaged slot leads nowhere; reads of its subject say so.
          if (!info.ok() || info->state != crypto::SlotState::kLive) {
            return absl::OkStatus();
          }
          const auto keys = slots->Load(subject);
          if (!keys.ok()) return absl::OkStatus();
          for (const uint32_t month : months) {
            const crypto::SubjectTag tag =
                crypto::ComputeSubjectTag(*keys, origin, month);
            tags.emplace(std::string(tag.begin(), tag.end()), subject);
            if (const auto before = keys->previous_audit_generation()) {
              const auto older =
                  crypto::ComputeSubjectTag(*keys, *before, origin, month);
              if (older.ok()) {
                tags.emplace(std::string(older->begin(), older->end()),
                             subject);
              }
            }
          }
          return absl::OkStatus();
        });
    if (!walked.ok()) return walked;
    return tags;
  };
}

}  // namespace consentry::server
