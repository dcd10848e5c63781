#ifndef CONSENTRY_GATEWAY_ACCESS_SUBJECT_VIEW_H_
#define CONSENTRY_GATEWAY_ACCESS_SUBJECT_VIEW_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/v1/rights_service.pb.h"
#include "gateway/clients/configuration.h"
#include "gateway/trail/trail_index.h"
#include "gateway/vault/subject_reader.h"
#include "policy/engine/facts.h"

// What a customer is told about her data without any of its values: what is
// held and from where, what it may be used for, who consulted it (GDPR Art. 13
// to 15; CJEU C-579/21, C-154/21). Opens heads and metas alone.
namespace consentry::access {

using Members = std::span<const std::shared_ptr<const vault::CachedSubject>>;

// The organisation behind a registration, as customers know it: its recipient,
// else the business itself.
std::string RecipientOf(const clients::Configuration& configuration,
                        std::string_view client_id);

// Fields that are held of any member, by name. Of a kind with more records than
// vault::kMaxRecordsRead the newest count.
absl::StatusOr<std::vector<v1::HeldField>> HeldFields(
    const policy::Bundle& bundle, const vault::SubjectReader& reader,
    store::Connection* connection, Members members);

// Every purpose of the registry, by key, in the language asked for or in
// English: the bases on which it stands for her regimes, who may receive, and
// whether it is possible for her now by any of its channels.
absl::StatusOr<std::vector<v1::PurposeUse>> PurposeUses(
    const clients::Configuration& configuration,
    const policy::SubjectFacts& facts, std::string_view language,
    int64_t now_us);

// Reads of her data from `from_us` on, newest first, at most `most`: date,
// purpose, organisation and system, never a member of staff. What was refused
// is among them, with its reason.
absl::StatusOr<std::vector<v1::Consultation>> Consultations(
    const clients::Configuration& configuration, trail::TrailIndex* trail,
    Members members, int64_t from_us, size_t most);

}  // namespace consentry::access

#endif  // CONSENTRY_GATEWAY_ACCESS_SUBJECT_VIEW_H_
