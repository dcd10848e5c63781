#ifndef CONSENTRY_POLICY_CONDUCT_TOPICS_H_
#define CONSENTRY_POLICY_CONDUCT_TOPICS_H_

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "consentry/config/v1/conduct_policy.pb.h"
#include "consentry/v1/screening_service.pb.h"

namespace re2 {
class RE2;
}

namespace consentry::conduct {

// What outputs are about, found by words and by names of items. Immutable once
// filled; any thread.
class Topics {
 public:
  Topics();
  ~Topics();
  Topics(Topics&&) noexcept;
  Topics& operator=(Topics&&) noexcept;

  // The expression as it is matched; INVALID_ARGUMENT says why not.
  static absl::Status Check(std::string_view expression);

  // A row of which every expression passed Check.
  void Add(const config::v1::ConductTopic& row);

  // Names of the topics of an output: of its text, explanation apart, its item,
  // its ranking and its label.
  std::set<std::string> Of(const v1::Output& output) const;
  // Of a text alone.
  std::set<std::string> OfText(std::string_view text) const;

  bool Knows(std::string_view name) const;

 private:
  struct Row;
  std::vector<std::unique_ptr<Row>> rows_;
};

}  // namespace consentry::conduct

#endif  // CONSENTRY_POLICY_CONDUCT_TOPICS_H_
