#ifndef CONSENTRY_GATEWAY_UPKEEP_RETENTION_RULES_H_
#define CONSENTRY_GATEWAY_UPKEEP_RETENTION_RULES_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "consentry/config/v1/catalog.pb.h"
#include "consentry/config/v1/controller.pb.h"
#include "consentry/store/v1/subject.pb.h"
#include "gateway/upkeep/held_record.h"
#include "policy/engine/bundle.h"

namespace consentry::upkeep {

// How long the policy in force lets each field be held. Immutable; any thread.
//
// A value ends when the last purpose that needs its field may no longer use it,
// at the latest with the catalog's retention. A value whose field the catalog
// does not know has no use and ends with the first look. Past its end it stays
// only under a ground of the catalog (KeepGround) that holds for the business
// or the subject's residence, or under a legal hold.
class RetentionRules {
 public:
  // As the policy is at `time_us`.
  RetentionRules(const policy::Bundle& bundle, int64_t time_us);

  struct Field {
    std::string name;
    uint32_t months = 0;
    std::vector<config::v1::KeepGround> grounds;
  };
  // By number (vault/field_number.h); null when the catalog does not know it.
  const Field* Find(uint32_t number) const;
  // By full name.
  const Field* Find(std::string_view name) const;

  // Changes whenever any end does: 32 bytes.
  const std::string& digest() const { return digest_; }
  // Of the business, by which a ground may hold.
  const std::vector<std::string>& places() const { return places_; }

  // Months for which a record of the kind is held that has no value.
  uint32_t MonthsOfKind(std::string_view kind) const;

  // Months for which a ground keeps the field of this subject; 0: none does.
  uint32_t KeptByGround(const Field& field,
                        const store::v1::SubjectHead& head) const;

  // The field that values of an identifier come from, or null.
  const Field* FieldOfIdentifier(int32_t type,
                                 std::string_view name_space) const;

 private:
  std::map<uint32_t, Field> fields_;
  std::map<std::string, uint32_t, std::less<>> numbers_;
  // By the identifier's key in the catalog.
  std::map<std::string, uint32_t, std::less<>> identifiers_;
  // The shortest of each kind's fields.
  std::map<std::string, uint32_t, std::less<>> kinds_;
  std::vector<std::string> places_;
  std::string digest_;
};

// What becomes of one value.
enum class Fate {
  kStays,
  kKept,  // Past its time, and a ground or a hold keeps it.
  kGoes,
};

struct Judgement {
  // One for each field of the record's blob, in its order.
  std::vector<Fate> fates;
  // When the record is to be looked at again, for what stays.
  int64_t due_month = 0;
  bool removes = false;
  bool removes_all = false;
};

// Pure. Of a subject whose erasure has been decided nothing goes here.
Judgement Judge(const RetentionRules& rules, const store::v1::SubjectHead& head,
                const HeldRecord& record, int64_t now_us);

// Whether what one source says about an identifier is past its time.
bool IdentifierEnded(const RetentionRules& rules,
                     const store::v1::SubjectHead& head,
                     const store::v1::HeldIdentifier& held, int64_t now_us);

}  // namespace consentry::upkeep

#endif  // CONSENTRY_GATEWAY_UPKEEP_RETENTION_RULES_H_
