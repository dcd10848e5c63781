#include "gateway/clients/client_change.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "gateway/clients/registration.h"
#include "proto/support/timestamp.h"

namespace consentry::clients {
namespace {

using Words = google::protobuf::RepeatedPtrField<std::string>;
using Set = std::set<std::string>;

constexpr size_t kMostLines = 64;

Set SetOf(const Words& words) { return {words.begin(), words.end()}; }

template <class Enums>
Set NamesOf(const Enums& values, const std::string& (*name)(int)) {
  Set names;
  for (const int value : values) names.insert(name(value));
  return names;
}

const std::string& ChannelName(int value) {
  return v1::Channel_Name(static_cast<v1::Channel>(value));
}
const std::string& RoleName(int value) {
  return v1::Role_Name(static_cast<v1::Role>(value));
}

bool Within(const Set& inner, const Set& outer) {
  return std::includes(outer.begin(), outer.end(), inner.begin(), inner.end());
}

// Every prefix of `inner` is one of `outer`, or below one.
bool Covered(const Words& inner, const Words& outer) {
  return std::all_of(
      inner.begin(), inner.end(), [&outer](const std::string& category) {
        return std::any_of(outer.begin(), outer.end(),
                           [&category](const std::string& prefix) {
                             return CategoryBelow(category, prefix);
                           });
      });
}

// "purpose@notice" lies within "purpose".
bool Attested(const Words& inner, const Words& outer) {
  const Set all = SetOf(outer);
  return std::all_of(inner.begin(), inner.end(),
                     [&all](const std::string& entry) {
                       return all.count(entry) > 0 ||
                              all.count(entry.substr(0, entry.find('@'))) > 0;
                     });
}

uint32_t Or(uint32_t value, uint32_t standing_for_0) {
  return value == 0 ? standing_for_0 : value;
}

class Lines {
 public:
  void Add(std::string line) {
    if (lines_.size() < kMostLines) lines_.push_back(std::move(line));
  }
  void Compare(std::string_view field, const Set& before, const Set& after) {
    for (const std::string& word : after) {
      if (before.count(word) == 0) {
        Add(absl::StrCat(std::string(field), " + ", word));
      }
    }
    for (const std::string& word : before) {
      if (after.count(word) == 0) {
        Add(absl::StrCat(std::string(field), " - ", word));
      }
    }
  }
  void CompareText(std::string_view field, const std::string& before,
                   const std::string& after) {
    if (before != after) {
      Add(absl::StrCat(std::string(field), ": ",
                       after.empty() ? "(none)" : after));
    }
  }
  void CompareNumber(std::string_view field, int64_t before, int64_t after) {
    if (before != after) Add(absl::StrCat(std::string(field), ": ", after));
  }
  std::vector<std::string> Take() { return std::move(lines_); }

 private:
  std::vector<std::string> lines_;
};

}  // namespace

bool Widens(const v1::Client& before, const v1::Client& after) {
  // No channel named: all.
  const bool channels = before.channels().empty() ||
                        (!after.channels().empty() &&
                         Within(NamesOf(after.channels(), ChannelName),
                                NamesOf(before.channels(), ChannelName)));
  const v1::ContextRules& had = before.context_rules();
  const v1::ContextRules& has = after.context_rules();
  const bool duties =
      (has.acting_person_required() || !had.acting_person_required()) &&
      (has.reason_code_required() || !had.reason_code_required()) &&
      (has.ticket_required() || !had.ticket_required()) &&
      (has.token_required() || !had.token_required());
  const bool limits =
      Or(after.limits().calls_per_second(), kDefaultCallsPerSecond) <=
          Or(before.limits().calls_per_second(), kDefaultCallsPerSecond) &&
      Or(after.limits().subjects_per_hour(), kDefaultSubjectsPerHour) <=
          Or(before.limits().subjects_per_hour(), kDefaultSubjectsPerHour);
  // No end asked for: the one it has.
  const bool end =
      !after.has_expire_time() ||
      MicrosOf(after.expire_time()) <= MicrosOf(before.expire_time());
  const bool place = before.country() == after.country() &&
                     before.transfer_ground() == after.transfer_ground() &&
                     before.contract() == after.contract() &&
                     before.recipient() == after.recipient() &&
                     before.token_client() == after.token_client();
  const bool narrower =
      channels && duties && limits && end && place &&
      before.role() == after.role() &&
      Within(SetOf(after.purposes()), SetOf(before.purposes())) &&
      Covered(after.read_categories(), before.read_categories()) &&
      Covered(after.write_categories(), before.write_categories()) &&
      Within(SetOf(after.sources()), SetOf(before.sources())) &&
      Within(SetOf(after.permissions()), SetOf(before.permissions())) &&
      Attested(after.attests(), before.attests()) &&
      Within(NamesOf(after.may_delegate(), RoleName),
             NamesOf(before.may_delegate(), RoleName));
  return !narrower;
}

std::vector<std::string> DescribeChange(const v1::Client& before,
                                        const v1::Client& after) {
  Lines lines;
  if (before.role() != after.role()) {
    lines.Add(absl::StrCat("role: ", RoleName(after.role())));
  }
  lines.Compare("purposes", SetOf(before.purposes()), SetOf(after.purposes()));
  lines.Compare("reads", SetOf(before.read_categories()),
                SetOf(after.read_categories()));
  lines.Compare("writes", SetOf(before.write_categories()),
                SetOf(after.write_categories()));
  lines.Compare("channels", NamesOf(before.channels(), ChannelName),
                NamesOf(after.channels(), ChannelName));
  lines.Compare("sources", SetOf(before.sources()), SetOf(after.sources()));
  lines.Compare("permissions", SetOf(before.permissions()),
                SetOf(after.permissions()));
  lines.Compare("attests", SetOf(before.attests()), SetOf(after.attests()));
  lines.Compare("carries tokens of", NamesOf(before.may_delegate(), RoleName),
                NamesOf(after.may_delegate(), RoleName));
  lines.CompareText("token client", before.token_client(),
                    after.token_client());
  lines.CompareText("country", before.country(), after.country());
  lines.CompareText("transfer ground", before.transfer_ground(),
                    after.transfer_ground());
  lines.CompareText("contract", before.contract(), after.contract());
  lines.CompareText("recipient", before.recipient(), after.recipient());
  lines.CompareText("title", before.title(), after.title());
  lines.CompareNumber("calls per second", before.limits().calls_per_second(),
                      after.limits().calls_per_second());
  lines.CompareNumber("customers per hour", before.limits().subjects_per_hour(),
                      after.limits().subjects_per_hour());
  const v1::ContextRules& had = before.context_rules();
  const v1::ContextRules& has = after.context_rules();
  const auto duty = [&lines](bool was, bool is, const char* name) {
    if (was != is) lines.Add(absl::StrCat(name, is ? " + " : " - ", "must"));
  };
  duty(had.acting_person_required(), has.acting_person_required(),
       "acting person");
  duty(had.reason_code_required(), has.reason_code_required(), "reason code");
  duty(had.ticket_required(), has.ticket_required(), "ticket");
  duty(had.token_required(), has.token_required(), "token");
  if (after.has_expire_time() &&
      MicrosOf(before.expire_time()) != MicrosOf(after.expire_time())) {
    lines.Add("another end");
  }
  return lines.Take();
}

}  // namespace consentry::clients
