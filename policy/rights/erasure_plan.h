#ifndef CONSENTRY_POLICY_RIGHTS_ERASURE_PLAN_H_
#define CONSENTRY_POLICY_RIGHTS_ERASURE_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consentry/config/v1/catalog.pb.h"
#include "consentry/config/v1/controller.pb.h"

// What an erasure takes and what outlives it: by the grounds that the catalog
// declares for a field (GDPR Art. 17(3)(b)), by legal holds, and by what a case
// was refused on. Pure.
namespace consentry::policy {

// One value of one record.
struct HeldValue {
  // "kind.field", as the catalog names it.
  std::string field;
  int64_t collected_us = 0;
};

// Why fields are not erased: a hold, or the ground of a refusal.
struct Retained {
  // "kind.field" or "kind.*". Empty: everything.
  std::vector<std::string> fields;
  // "GDPR Art. 17(3)(e)".
  std::string ground;
  // The matter or law behind it, by reference.
  std::string document;
  // 0: until it is lifted.
  int64_t until_us = 0;
};

struct Keeping {
  std::string ground;
  std::string document;
  // When the ground ends; 0: until somebody lifts it.
  int64_t until_us = 0;
};

struct PlannedField {
  std::string field;
  // None: erased. Where records of the field are kept for different times, the
  // one that ends last; records whose ground has ended are erased now.
  std::optional<Keeping> kept;
};

struct ErasurePlan {
  // One for each value asked about, in order. None: it is erased.
  std::vector<std::optional<Keeping>> values;
  // One for each field, sorted by name.
  std::vector<PlannedField> fields;
  // When the first of what is kept ends: the next erasure. 0: nothing is kept,
  // or nothing ends by itself.
  int64_t next_us = 0;
  bool keeps_any = false;
};

// Whether a retention names the field; `field` without a dot names a kind.
bool Names(const Retained& retained, std::string_view field);

// Plans at `now_us`. A value is kept while any ground holds; of several the one
// that ends last is told (one without an end before all). A ground of the
// catalog counts from collection, where the business is established in one of
// its jurisdictions: it binds the business, wherever the customer lives. A
// field that the catalog does not know has no ground. Grounds that have ended
// do not count.
ErasurePlan PlanErasure(const config::v1::Catalog& catalog,
                        const config::v1::ControllerProfile& profile,
                        const std::vector<HeldValue>& values,
                        const std::vector<Retained>& retained, int64_t now_us);

}  // namespace consentry::policy

#endif  // CONSENTRY_POLICY_RIGHTS_ERASURE_PLAN_H_
