#ifndef CONSENTRY_TOOLS_CONSENTRY_SAMPLES_PEOPLE_H_
#define CONSENTRY_TOOLS_CONSENTRY_SAMPLES_PEOPLE_H_

#include <string>
#include <vector>

#include "absl/time/civil_time.h"
#include "tools/consentry/samples/places.h"
#include "tools/consentry/samples/random.h"

namespace consentry::tools {

enum class SampleChoice { kNone, kGiven, kWithdrawn, kDeclined };

// One customer of the fictitious shop, before any export made a mess of it.
struct SamplePerson {
  // From 1. "C-1001" is customer 1 in the CRM, "W-5001" in the web shop.
  int number = 0;
  const SamplePlace* place = nullptr;
  std::string given_name;
  std::string family_name;
  std::string email;
  // E.164. Empty: none.
  std::string phone;
  std::string street;
  std::string postal_code;
  std::string town;
  absl::CivilDay birth;
  absl::CivilDay since;
  bool in_crm = false;
  bool in_shop = false;
  // Loyalty card of the shop. Empty: none.
  std::string card;
  SampleChoice newsletter = SampleChoice::kNone;
  absl::CivilDay newsletter_day;
  // Opted out of sale, as US law calls it.
  bool do_not_sell = false;
  absl::CivilDay do_not_sell_day;
  // An answer is being waited for.
  bool open_ticket = false;
};

// Draws `count` customers. The first are the fixed ones of generator.h.
std::vector<SamplePerson> MakeSamplePeople(int count, absl::CivilDay today,
                                           SampleRandom* random);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_SAMPLES_PEOPLE_H_
